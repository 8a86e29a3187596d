//! An engine that hangs, dies or talks nonsense: an answer in bounded time that says so, and recovery
//! without a restart.

use crate::rig::{CALLS, PATIENCE, Rig, assert_engine_failed};
use podlane_testkit::fake::{Fault, Garbage, Route, Times};
use podlane_testkit::{BUSYBOX, ServerOptions, unique};
use serde_json::json;
use std::time::Instant;

fn impatient() -> ServerOptions {
    ServerOptions::default().env("REQUEST_TIMEOUT", "1")
}

fn html(code: u16) -> Fault {
    Fault::Status {
        code,
        body: "<html>no such thing</html>".into(),
        content_type: "text/html".into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_hangs_is_a_408_everywhere() {
    let rig = Rig::new(impatient()).await;
    let name = rig.container().await;
    rig.fake.fault(Route::Any, Fault::Hang, Times::Always);
    for what in CALLS {
        let began = Instant::now();
        let answer = rig.call(what, &name).await.expect(408);
        assert_eq!(answer.json["error"]["type"], "PodmanAPIError");
        assert!(began.elapsed() < PATIENCE / 2, "{what}");
    }
    let health = rig.api.get("/health").await.expect(503);
    assert!(health.headers.contains_key("retry-after"));
    let health = health.json;
    assert_eq!(
        (&health["status"], &health["podman"]),
        (&json!("unhealthy"), &json!("disconnected"))
    );
    assert_eq!(rig.get("/livez").await.status, 200);
    rig.fake.clear_faults();
    rig.is_well().await;
}

/// The step of each call at which the engine stops.
const STEPS: [(&str, Route); 13] = [
    ("create", Route::ImageInspect),
    ("create", Route::ContainerCreate),
    ("create", Route::ContainerStart),
    ("exec", Route::ContainerInspect),
    ("exec", Route::ExecCreate),
    ("exec", Route::ExecStart),
    ("exec", Route::ExecInspect),
    ("logs", Route::ContainerLogs),
    ("files", Route::ArchiveStat),
    ("files", Route::ArchivePut),
    ("users", Route::ArchiveGet),
    ("stop", Route::ContainerStop),
    ("remove", Route::ContainerRemove),
];

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_hangs_half_way_is_a_408_and_leaves_nothing() {
    let rig = Rig::new(impatient()).await;
    let name = rig.container().await;
    let before = rig.fake.containers().len();
    for (what, route) in STEPS {
        for fault in [Fault::Hang, Fault::HangBody, Fault::HangAfterEffect] {
            let shown = format!("{what} {route:?} {fault:?}");
            if what == "remove" || what == "stop" {
                // Their effect would be felt by what comes after.
                if !matches!(fault, Fault::Hang) {
                    continue;
                }
            }
            rig.fake.clear_faults();
            rig.is_quiet().await;
            // Always, because what was given up before is still looked for in the background.
            rig.fake.fault(route, fault.clone(), Times::Always);
            let answer = rig.call(what, &name).await;
            rig.fake.clear_faults();
            // An answer without a body can't hang in it.
            let whole = matches!(fault, Fault::HangBody) && answer.status == 200;
            assert!(whole || answer.status == 408, "{shown}: {}", answer.text);
            if whole && what == "create" {
                let made = answer.json["container"]["name"]
                    .as_str()
                    .expect("a name")
                    .to_owned();
                let _removed = rig.call("remove", &made).await.expect(200);
            }
            rig.until(&format!("nothing is left of {shown}"), async || {
                rig.fake.containers().len() == before && rig.fake.running_execs().is_empty()
            })
            .await;
        }
    }
    rig.fake.clear_faults();
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_is_gone_is_a_503_until_it_is_back() {
    let rig = Rig::new(ServerOptions::default()).await;
    let name = rig.container().await;
    rig.fake.stop_listening();
    for what in CALLS {
        let answer = rig.call(what, &name).await.expect(503);
        assert!(answer.headers.contains_key("retry-after"), "{what}");
        assert_engine_failed(&answer, what);
    }
    let health = rig.api.get("/health").await.expect(503).json;
    assert_eq!(
        (&health["status"], &health["podman"]),
        (&json!("unhealthy"), &json!("disconnected"))
    );
    assert!(health["timestamp"].is_string());
    assert_eq!(rig.get("/readyz").await.status, 503);
    for path in ["/livez", "/metrics", "/api/v1/metrics"] {
        assert_eq!(rig.get(path).await.status, 200, "{path}");
    }
    rig.fake.resume().await.expect("it comes back");
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_break_off_or_make_no_sense() {
    let rig = Rig::new(ServerOptions::default().env("REQUEST_TIMEOUT", "5")).await;
    let name = rig.container().await;
    let half = Fault::Status {
        code: 200,
        body: r#"[{"Id": "0123"#.into(),
        content_type: "application/json".into(),
    };
    let empty = Fault::Status {
        code: 500,
        body: "".into(),
        content_type: "text/plain".into(),
    };
    let faults = [
        Fault::DropConnection,
        html(502),
        html(500),
        html(404),
        html(200),
        half,
        empty,
    ];
    for what in CALLS {
        for fault in &faults {
            let shown = format!("{what} {fault:?}");
            rig.fake.clear_faults();
            rig.fake.fault(Route::Any, fault.clone(), Times::Always);
            let answer = rig.call(what, &name).await;
            assert_engine_failed(&answer, &shown);
        }
    }
    rig.fake.clear_faults();
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_go_wrong_at_one_step() {
    let rig = Rig::new(ServerOptions::default().env("REQUEST_TIMEOUT", "5")).await;
    let before = rig.fake.containers().len();
    let faults = [
        Fault::DropConnection,
        Fault::DieMidBody,
        Fault::WrongLength,
        Fault::LoseAnswer,
        Fault::WrongUpgrade,
        html(502),
        html(200),
    ];
    for (what, route) in STEPS {
        for fault in &faults {
            let shown = format!("{what} {route:?} {fault:?}");
            rig.fake.clear_faults();
            let name = rig.container().await;
            rig.is_quiet().await;
            // Always, because what was given up before is still looked for in the background.
            rig.fake.fault(route, fault.clone(), Times::Always);
            let answer = rig.call(what, &name).await;
            rig.fake.clear_faults();
            // What was only lost may be found out or tried again; an answer without a body can't be cut.
            if answer.status != 200 {
                assert_engine_failed(&answer, &shown);
            } else if matches!(fault, Fault::Status { .. }) && route != Route::ArchiveStat {
                // Only a look is repeated in another way, because an answer to HEAD can't say what is wrong.
                panic!("{shown}: {}", answer.text);
            }
            if let Some(made) = answer.json["container"]["name"]
                .as_str()
                .filter(|_| what == "create")
            {
                let _removed = rig.call("remove", made).await.expect(200);
            }
            rig.fake.clear_faults();
            let removed = rig.call("remove", &name).await;
            assert!(
                [200, 404].contains(&removed.status.as_u16()),
                "{shown}: {}",
                removed.text
            );
            rig.until(&format!("nothing is left of {shown}"), async || {
                rig.fake.containers().len() == before
            })
            .await;
        }
    }
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_no_streams() {
    let rig = Rig::new(ServerOptions::default().env("REQUEST_TIMEOUT", "5")).await;
    let name = rig.container().await;
    let garbage = [
        Garbage::StreamByte,
        Garbage::HugeLength,
        Garbage::CutHeader,
        Garbage::Text,
    ];
    let mut faults: Vec<_> = garbage.into_iter().map(Fault::GarbageFrames).collect();
    faults.extend([Fault::NoUpgrade, Fault::WrongUpgrade, Fault::DieMidBody]);
    for (what, route) in [("exec", Route::ExecStart), ("logs", Route::ContainerLogs)] {
        for fault in &faults {
            let shown = format!("{what} {fault:?}");
            rig.is_quiet().await;
            // Always, because what was given up before is still looked for in the background.
            rig.fake.fault(route, fault.clone(), Times::Always);
            let answer = rig.call(what, &name).await;
            rig.fake.clear_faults();
            let harmless = what == "logs" && matches!(fault, Fault::NoUpgrade | Fault::DieMidBody);
            if !(harmless && answer.status == 200) {
                assert_engine_failed(&answer, &shown);
            }
            rig.fake.clear_faults();
        }
    }
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_is_tried_again_and_never_shown() {
    let rig = Rig::new(ServerOptions::default().env("REQUEST_TIMEOUT", "3")).await;
    let name = rig.container().await;
    for what in CALLS {
        rig.fake.fault(Route::Any, Fault::Locked, Times::Count(3));
        let _works = rig.call(what, &name).await.expect(200);
    }
    let name = rig.container().await;
    rig.fake.fault(Route::Any, Fault::Locked, Times::Always);
    for what in CALLS {
        let answer = rig.call(what, &name).await;
        assert!(
            [408, 503].contains(&answer.status.as_u16()),
            "{what} {}",
            answer.text
        );
        assert!(!answer.text.contains("locked"), "{what} {}", answer.text);
    }
    rig.fake.clear_faults();
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_create_whose_answer_is_lost_is_found_or_undone() {
    let rig = Rig::new(ServerOptions::default().env("REQUEST_TIMEOUT", "10")).await;
    for route in [Route::ContainerCreate, Route::ContainerStart] {
        rig.fake.fault(route, Fault::LoseAnswer, Times::Once);
        let answer = rig.call("create", "").await;
        if answer.status == 200 {
            let all = rig.fake.containers();
            assert_eq!((all.len(), all[0].status), (1, "running"));
            let _removed = rig.call("remove", &all[0].name).await.expect(200);
        } else {
            let _undone = answer.expect(503);
            rig.until("it is removed", async || rig.fake.containers().is_empty())
                .await;
        }
    }
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_leaves_no_container() {
    let rig = Rig::new(ServerOptions::default()).await;
    let fault = Fault::Fails("crun: something odd: OCI runtime error".into());
    rig.fake.fault(Route::ContainerStart, fault, Times::Once);
    let answer = rig.call("create", "").await.expect(500);
    assert!(
        answer.message().contains("something odd"),
        "{}",
        answer.text
    );
    assert!(rig.fake.containers().is_empty());
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_request_id_goes_to_the_engine() {
    let rig = Rig::new(ServerOptions::default()).await;
    rig.fake.clear_requests();
    let body = json!({ "image": BUSYBOX, "name": unique("traced"), "command": "sleep 1000" });
    let mut request = rig
        .api
        .request(http::Method::POST, "/containers", Some(body.to_string()));
    request
        .headers_mut()
        .insert("x-request-id", "trace-4711".parse().expect("a value"));
    let answer = rig.api.send(request).await.expect(200);
    assert_eq!(answer.headers["x-request-id"], "trace-4711");
    let asked = rig.fake.requests();
    let traced = asked.iter().filter(|asked| {
        asked
            .headers
            .get("x-reference-id")
            .is_some_and(|id| id == "trace-4711")
    });
    // Image, create, start and a look at the end.
    assert!(traced.count() >= 4, "{asked:?}");
}
