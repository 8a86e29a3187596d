//! Execs that start nothing.

use super::assert_fails;
use super::subject::{Subject, argv, call, path, shell};
use podlane_engine::{Error, Resource, StartFailure, UserSpec};
use serde_json::Value;

/// 127, as a shell would say, and no output.
pub async fn an_exec_of_a_missing_program_says_so(subject: &Subject) {
    let id = subject.idle().await;
    for program in ["podlane-nosuch", "/no/such/program"] {
        let ended = subject.exec(&id, &argv(&[program, "x"])).await;
        assert_eq!(
            (ended.code, ended.failure),
            (127, Some(StartFailure::NoProgram)),
            "{program}"
        );
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    }
}

/// 126, also for a directory.
pub async fn an_exec_of_what_is_not_executable_says_so(subject: &Subject) {
    let id = subject.idle().await;
    for program in ["/etc/passwd", "/etc"] {
        let ended = subject.exec(&id, &argv(&[program])).await;
        assert_eq!(
            (ended.code, ended.failure),
            (126, Some(StartFailure::NotExecutable)),
            "{program}"
        );
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    }
}

/// Nothing there, and a file there.
pub async fn an_exec_in_a_missing_directory_says_so(subject: &Subject) {
    let id = subject.idle().await;
    for directory in ["/no/such/directory", "/etc/passwd"] {
        let mut spec = shell("pwd");
        spec.workdir = Some(path(directory));
        let ended = subject.exec(&id, &spec).await;
        assert_eq!(
            ended.failure,
            Some(StartFailure::NoDirectory),
            "{directory} {ended:?}"
        );
        assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    }
}

/// Before any output is asked for; and what runs loses none by that.
pub async fn an_exec_tells_whether_it_has_started(subject: &Subject) {
    let id = subject.idle().await;
    let mut nowhere = shell("echo x");
    nowhere.workdir = Some(path("/no/such/directory"));
    for (spec, failure) in [
        (nowhere, Some(StartFailure::NoDirectory)),
        (argv(&["podlane-nosuch"]), Some(StartFailure::NoProgram)),
        (argv(&["/etc/passwd"]), Some(StartFailure::NotExecutable)),
        (shell("sleep 1000"), None),
        (shell("exit 127"), None),
        (shell("echo out; exit 3"), None),
    ] {
        let process = subject.engine.exec(&call(), &id, &spec).await;
        let mut process = process.expect("an exec");
        for _ in 0..2 {
            process.until_started().await.expect("it is known");
        }
        assert_eq!(process.start_failure(), failure.as_ref(), "{spec:?}");
        if spec.command == shell("echo out; exit 3").command {
            let chunk = process.next().await.expect("output");
            assert_eq!(chunk.map(|chunk| chunk.data), Some("out\n".into()));
            assert_eq!(process.wait().await.expect("an end").code, 3);
        }
    }
}

/// A user or a group that is not in the container's files.
pub async fn an_exec_as_an_unknown_user_is_refused(subject: &Subject) {
    let id = subject.idle().await;
    for user in ["nosuch", "root:nosuch"] {
        let mut spec = shell("id");
        spec.user = Some(UserSpec::parse(user).expect("a user"));
        assert_fails!(
            subject.engine.exec(&call(), &id, &spec).await,
            Error::Invalid { field: "user", conflict: false, message } if message.contains("nosuch")
        );
    }
}

/// Programs run all the same.
pub async fn an_exec_without_a_shell_in_the_image(subject: &Subject) {
    let mut spec = subject.spec(&["/tiny", "sleep", "1000"]);
    spec.image = subject.images.scratch.clone();
    let id = subject.run(&spec).await;
    let ended = subject.exec(&id, &shell("echo x")).await;
    assert_eq!(
        (ended.code, ended.failure),
        (127, Some(StartFailure::NoProgram))
    );
    let ended = subject.exec(&id, &argv(&["/tiny", "echo", "a", "b"])).await;
    assert_eq!(
        (ended.stdout.as_str(), ended.code, ended.failure),
        ("a b\n", 0, None)
    );
}

/// Never started, ended, paused and gone.
pub async fn an_exec_in_what_does_not_run_is_refused(subject: &Subject) {
    let spec = shell("true");
    let ended = subject.run(&subject.spec(&["true"])).await;
    subject.ended(&ended).await;
    for id in [&subject.created().await, &ended] {
        assert_fails!(
            subject.engine.exec(&call(), id, &spec).await,
            Error::WrongState { message } if message.contains("not running")
        );
    }
    let paused = subject.idle().await;
    let target = format!("/containers/{paused}/pause");
    let (status, answer) = subject.libpod("POST", &target, &Value::Null).await;
    assert_eq!(status, 204, "{answer}");
    assert_fails!(
        subject.engine.exec(&call(), &paused, &spec).await,
        Error::WrongState { message } if message.contains("paused")
    );
    subject
        .engine
        .remove(&call(), &paused, true)
        .await
        .expect("a removal");
    assert_fails!(
        subject.engine.exec(&call(), &paused, &spec).await,
        Error::NotFound {
            resource: Resource::Container,
            ..
        }
    );
}
