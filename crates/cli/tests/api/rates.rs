//! Callers that ask too often.

use crate::server_with;
use podlane_testkit::ServerOptions;
use std::time::Duration;

#[tokio::test]
async fn who_asks_too_often_has_to_wait() {
    let options = ServerOptions::default()
        .env("PODLANE_LIMITS_RATE", "2")
        .env("PODLANE_LIMITS_BURST", "5");
    let server = server_with(options);
    let api = server.client();
    let mut refused = 0;
    for _ in 0..20 {
        let answer = api.get("/containers").await;
        match answer.status.as_u16() {
            200 => {
                let policy = &answer.headers["ratelimit-policy"];
                assert_eq!(policy, "\"caller\";q=5;w=3");
                let left = answer.headers["ratelimit"].to_str().expect("text");
                assert!(left.starts_with("\"caller\";r="), "{left}");
            }
            429 => {
                refused += 1;
                assert_eq!(answer.headers["retry-after"], "1");
                assert!(answer.message().contains("too often"), "{}", answer.text);
            }
            other => panic!("{other}: {}", answer.text),
        }
    }
    assert!(refused >= 5, "{refused}");
    tokio::time::sleep(Duration::from_millis(1600)).await;
    let _ = api.get("/containers").await.expect(200);
}

#[tokio::test]
async fn probes_are_never_too_many() {
    let options = ServerOptions::default()
        .env("PODLANE_LIMITS_RATE", "1")
        .env("PODLANE_LIMITS_BURST", "1");
    let server = server_with(options);
    let probe = server.client().base().to_owned() + "/livez";
    for _ in 0..10 {
        let ended = std::process::Command::new("curl")
            .args(["-sSf", "-o", "/dev/null", &probe])
            .status();
        assert!(ended.expect("curl").success());
    }
}
