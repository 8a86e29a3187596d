//! The programs of the interpreter, in as much detail as tests need. File programs are beside this.

use super::find::{self, Program, Unstartable};
use super::shell;
use super::{Process, file_programs, signal_number};
use bytes::Bytes;
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
        "sh" | "bash" | "ash" => shell::main(process, argv).await,
        "busybox" if !rest.is_empty() => {
            let own = rest[0].clone();
            Box::pin(own_program(process, &own, rest)).await
        }
        "true" | "busybox" => 0,
        "false" => 1,
        "hello" => i32::from(!process.stdout.write("hello from a static program\n").await),
        "echo" => echo(&process, &rest).await,
        "printf" => printf(&process, &rest).await,
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
        "seq" => seq(&process, &rest).await,
        "yes" => yes(&process, &rest).await,
        "setsid" | "nohup" => {
            let command = rest.into_iter().skip_while(|word| word.starts_with('-'));
            run(process, command.collect()).await
        }
        _ => file_programs::run(&process, own, &rest).await,
    }
}

/// The exit code of a writer: 128 + SIGPIPE if nobody read.
fn done(written: bool) -> i32 {
    if written { 0 } else { 141 }
}

async fn echo(process: &Process, words: &[String]) -> i32 {
    let mut words = words;
    let (mut newline, mut escapes) = (true, false);
    while let [first, rest @ ..] = words {
        match first.as_str() {
            "-n" => newline = false,
            "-e" => escapes = true,
            _ => break,
        }
        words = rest;
    }
    let mut text = words.join(" ").into_bytes();
    if escapes {
        text = unescape(&String::from_utf8_lossy(&text));
    }
    if newline {
        text.push(b'\n');
    }
    done(process.stdout.write(text).await)
}

async fn printf(process: &Process, words: &[String]) -> i32 {
    let Some((format, arguments)) = words.split_first() else {
        return process
            .fail(1, "printf: usage: printf FORMAT [ARG]...".into())
            .await;
    };
    let mut arguments = arguments.iter();
    let mut out = Vec::new();
    loop {
        let mut rest = format.as_str();
        let mut took = false;
        while let Some(at) = rest.find('%') {
            out.extend(unescape(&rest[..at]));
            match rest[at + 1..].chars().next() {
                Some('s' | 'd' | 'i') => {
                    took = true;
                    out.extend_from_slice(arguments.next().map_or(&[][..], |word| word.as_bytes()));
                }
                Some('b') => {
                    took = true;
                    out.extend(
                        arguments
                            .next()
                            .map(|word| unescape(word))
                            .unwrap_or_default(),
                    );
                }
                _ => out.push(b'%'),
            }
            rest = rest.get(at + 2..).unwrap_or("");
        }
        out.extend(unescape(rest));
        if !took || arguments.len() == 0 {
            break;
        }
    }
    done(process.stdout.write(out).await)
}

/// Backslash escapes of `printf`: letters, octal and `\x` hexadecimal.
fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let number = |start: usize, most: usize, radix: u32| {
            let digits = bytes[start..].iter().take(most);
            let digits = digits.map_while(|digit| char::from(*digit).to_digit(radix));
            digits.fold((0, 0), |(value, length), digit| {
                (value * radix + digit, length + 1)
            })
        };
        let Some(&letter) = bytes.get(at) else {
            out.push(b'\\');
            break;
        };
        at += 1;
        match letter {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'\\' => out.push(b'\\'),
            b'x' => {
                let (value, length) = number(at, 2, 16);
                at += length;
                out.push(u8::try_from(value).unwrap_or(b'?'));
            }
            b'0'..=b'7' => {
                let (value, length) = number(at - 1, 3, 8);
                at += length - 1;
                out.push(u8::try_from(value & 0xff).unwrap_or(b'?'));
            }
            other => out.extend([b'\\', other]),
        }
    }
    out
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
    tokio::task::yield_now().await;
    code
}

async fn seq(process: &Process, words: &[String]) -> i32 {
    let numbers: Vec<i64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let (first, last) = match numbers[..] {
        [last] => (1, last),
        [first, last] => (first, last),
        _ => return process.fail(1, "seq: usage: seq [FIRST] LAST".into()).await,
    };
    let mut text = String::new();
    for number in first..=last {
        text.push_str(&number.to_string());
        text.push('\n');
        if text.len() > 32 * 1024 && !process.stdout.write(std::mem::take(&mut text)).await {
            return 141;
        }
    }
    done(process.stdout.write(text).await)
}

async fn yes(process: &Process, words: &[String]) -> i32 {
    let line = if words.is_empty() {
        "y".to_owned()
    } else {
        words.join(" ")
    };
    let block = Bytes::from(format!("{line}\n").repeat(8 * 1024 / (line.len() + 1) + 1));
    while process.stdout.write(block.clone()).await {
        tokio::task::yield_now().await;
    }
    141
}

#[cfg(test)]
mod tests {
    use super::unescape;

    #[test]
    fn escapes_are_those_of_printf() {
        assert_eq!(unescape(r"a\n\t\\\x41\101\q"), b"a\n\t\\AA\\q");
        assert_eq!(unescape(r"\xff\000\"), b"\xff\0\\");
    }
}
