//! The programs of the interpreter, in as much detail as tests need. File programs are beside this.

use super::find::{self, Program, Unstartable};
use super::shell;
use super::{Process, file_programs, signal_number, text_programs};
use futures_util::future::BoxFuture;
use std::time::Duration;

/// Runs a program to its end and gives its exit code. The name must have been found before.
pub(super) fn run(process: Process, argv: Vec<String>) -> BoxFuture<'static, i32> {
    Box::pin(async move {
        let name = argv.first().cloned().unwrap_or_default();
        match find::program(&process, &name) {
            Ok(Program::Script(text)) => {
                let text = match text.strip_prefix("#!") {
                    Some(rest) => rest
                        .split_once('\n')
                        .map_or("", |(_, body)| body)
                        .to_owned(),
                    None => text,
                };
                shell::run_text(process, &text, argv).await
            }
            Ok(Program::Own(own)) => own_program(process, &own, argv).await,
            Err(error) => {
                let code = error.code();
                let what = match error {
                    Unstartable::NotFound(_) => "not found",
                    other => other.text(),
                };
                process.fail(code, format!("sh: {name}: {what}")).await
            }
        }
    })
}

async fn own_program(process: Process, own: &str, argv: Vec<String>) -> i32 {
    let rest = argv.get(1..).unwrap_or_default().to_vec();
    match own {
        "sh" | "bash" | "ash" => {
            if let Some(entry) = ends_marked(&argv) {
                process.inside.processes.kill_marked(entry).await;
                return 0;
            }
            shell::main(process, argv).await
        }
        "busybox" | "tiny" if !rest.is_empty() => {
            let own = rest[0].clone();
            Box::pin(own_program(process, &own, rest)).await
        }
        "true" | "busybox" => 0,
        "false" => 1,
        "hello" => i32::from(!process.stdout.write("hello from a static program\n").await),
        "echo" => text_programs::echo(&process, &rest).await,
        "printf" => text_programs::printf(&process, &rest).await,
        "cat" => cat(&process, &rest).await,
        "head" | "tail" | "wc" => file_programs::part(&process, own, &rest).await,
        "sleep" => sleep(&process, &rest).await,
        "id" | "whoami" => id(&process, own, &rest).await,
        "pwd" => done(
            process
                .stdout
                .write(format!("{}\n", process.directory))
                .await,
        ),
        "env" => env(process, rest).await,
        "kill" => kill(&process, &rest).await,
        "seq" => text_programs::seq(&process, &rest).await,
        "yes" => text_programs::yes(&process, &rest).await,
        "setsid" | "nohup" => {
            let command = rest.into_iter().skip_while(|word| word.starts_with('-'));
            run(process, command.collect()).await
        }
        _ => file_programs::run(&process, own, &rest).await,
    }
}

/// The entry that a script is given which goes through `/proc` for whose environment has it, to end it.
/// There is no `/proc` here, so that script is done as a whole.
fn ends_marked(argv: &[String]) -> Option<&str> {
    let [_, flag, script, _, entry] = argv else {
        return None;
    };
    let walks = script.contains("/proc/[0-9]*") && script.contains("/environ");
    (flag == "-c" && walks && script.contains("kill")).then_some(entry)
}

/// The exit code of a writer: 128 + SIGPIPE if nobody read.
pub(super) fn done(written: bool) -> i32 {
    if written { 0 } else { 141 }
}

async fn cat(process: &Process, files: &[String]) -> i32 {
    if files.is_empty() || files == ["-"] {
        while let Some(piece) = process.stdin.next().await {
            if !process.stdout.write(piece).await {
                return 141;
            }
        }
        return 0;
    }
    let mut code = 0;
    for file in files {
        match file_programs::open(process, file).await {
            Ok(data) => {
                if !process.stdout.write(data).await {
                    return 141;
                }
            }
            Err(error) => {
                let text = format!("cat: can't open '{file}': {}", error.text());
                code = process.fail(1, text).await;
            }
        }
    }
    code
}

async fn sleep(process: &Process, words: &[String]) -> i32 {
    let mut total = 0.0;
    for word in words {
        let (number, factor) = match word.strip_suffix(['s', 'm', 'h', 'd']) {
            Some(number) if word.ends_with('m') => (number, 60.0),
            Some(number) if word.ends_with('h') => (number, 3600.0),
            Some(number) if word.ends_with('d') => (number, 86400.0),
            Some(number) => (number, 1.0),
            None => (word.as_str(), 1.0),
        };
        if number == "infinity" || number == "inf" {
            std::future::pending::<()>().await;
        }
        match number.parse::<f64>() {
            Ok(seconds) if seconds >= 0.0 => total += seconds * factor,
            _ => {
                return process
                    .fail(1, format!("sleep: invalid number '{word}'"))
                    .await;
            }
        }
    }
    let time = Duration::try_from_secs_f64(total).unwrap_or(Duration::MAX);
    tokio::time::sleep(time.min(Duration::from_secs(86400 * 365))).await;
    0
}

async fn id(process: &Process, own: &str, words: &[String]) -> i32 {
    let who = process.account.who;
    let user = process.inside.name_of("/etc/passwd", who.uid);
    let group = process.inside.name_of("/etc/group", who.gid);
    let shown = |id: u32, name: &Option<String>| match name {
        Some(name) => format!("{id}({name})"),
        None => id.to_string(),
    };
    let option = if own == "whoami" {
        Some("-un")
    } else {
        words.first().map(String::as_str)
    };
    let text = match option {
        Some("-u") => who.uid.to_string(),
        Some("-g") => who.gid.to_string(),
        Some("-un") => user.unwrap_or_else(|| who.uid.to_string()),
        Some("-gn") => group.unwrap_or_else(|| who.gid.to_string()),
        _ => format!(
            "uid={} gid={}",
            shown(who.uid, &user),
            shown(who.gid, &group)
        ),
    };
    done(process.stdout.write(format!("{text}\n")).await)
}

async fn env(mut process: Process, words: Vec<String>) -> i32 {
    let mut words = words.into_iter().peekable();
    while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
        process
            .environment
            .insert(name.to_owned(), value.to_owned());
        words.next();
    }
    if words.peek().is_some() {
        return run(process, words.collect()).await;
    }
    let lines = process.environment.iter();
    let lines: Vec<String> = lines
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let text = lines.join("\n") + "\n";
    done(process.stdout.write(text).await)
}

async fn kill(process: &Process, words: &[String]) -> i32 {
    let (mut signal, mut words) = (super::SIGTERM, words);
    if let [first, rest @ ..] = words
        && let Some(name) = first.strip_prefix('-')
    {
        let (name, rest) = match (name, rest) {
            ("s", [name, rest @ ..]) => (name.as_str(), rest),
            _ => (name, rest),
        };
        let Some(number) = signal_number(name) else {
            return process
                .fail(1, format!("kill: invalid signal name '{name}'"))
                .await;
        };
        (signal, words) = (number, rest);
    }
    let mut code = 0;
    for word in words {
        // All processes but PID 1 and the sender itself, as `kill(2)` says of -1.
        let all = process.inside.processes.list();
        let targets: Vec<u32> = match word.parse::<i64>() {
            Ok(-1) => all
                .into_iter()
                .map(|(pid, _)| pid)
                .filter(|pid| *pid > 1 && *pid != process.pid)
                .collect(),
            Ok(pid) => u32::try_from(pid.abs()).into_iter().collect(),
            Err(_) => Vec::new(),
        };
        let sent = targets
            .iter()
            .filter(|pid| process.inside.processes.signal(**pid, signal));
        if sent.count() == 0 && word != "-1" {
            let text = format!("kill: can't kill pid {word}: No such process");
            code = process.fail(1, text).await;
        }
    }
    // Time for a signal to its own process to arrive.
    tokio::time::sleep(Duration::from_millis(10)).await;
    code
}
