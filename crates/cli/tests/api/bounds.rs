//! What an engine or a client sends without end is held in bounded memory.

use crate::rig::Rig;
use bytes::Bytes;
use podlane_testkit::ServerOptions;
use podlane_testkit::fake::{Fault, Route, Times};
use serde_json::json;

const MIB: u64 = 1024;

fn answered(body: impl Into<Bytes>) -> Fault {
    Fault::Status {
        code: 200,
        body: body.into(),
        content_type: "application/json".into(),
    }
}

/// How much the server's memory has ever been above what it was before.
struct Watch(u64);

impl Watch {
    fn start(rig: &Rig) -> Self {
        Self(rig.memory("VmRSS"))
    }

    #[track_caller]
    fn assert_below(&self, rig: &Rig, most: u64) {
        let high = rig.memory("VmHWM").saturating_sub(self.0) / MIB;
        assert!(high < most, "{high} MiB");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_line_is_cut_and_its_time_ends() {
    let rig = Rig::new(ServerOptions::default().env("REQUEST_TIMEOUT", "2")).await;
    let name = rig.container().await;
    let watch = Watch::start(&rig);
    for (what, route) in [("logs", Route::ContainerLogs), ("exec", Route::ExecStart)] {
        rig.fake.fault(route, Fault::HugeLine, Times::Once);
        let _late = rig.call(what, &name).await.expect(408);
    }
    watch.assert_below(&rig, 100);
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_log_is_answered_with_its_end() {
    let rig = Rig::new(ServerOptions::default()).await;
    let name = rig.container().await;
    let watch = Watch::start(&rig);
    // One line of 64 MB in frames of 1 MB, then a short one.
    let mut log = Vec::new();
    for _ in 0..64 {
        log.extend_from_slice(&[1, 0, 0, 0]);
        log.extend_from_slice(&1_000_000_u32.to_be_bytes());
        log.resize(log.len() + 1_000_000, b'x');
    }
    log.extend_from_slice(b"\x01\0\0\0\0\0\0\x05\nend\n");
    rig.fake
        .fault(Route::ContainerLogs, answered(log), Times::Always);
    let all = format!("/containers/{name}/logs?tail=all");
    let answer = rig.api.get(&all).await.expect(200);
    let text = answer.json["container"]["logs"].as_str().expect("text");
    assert!(
        text.len() <= 8 << 20 && text.ends_with("xx\nend\n"),
        "{}",
        text.len()
    );
    assert_eq!(answer.json["container"]["truncated"], true);
    let few = format!("/containers/{name}/logs?tail=99999999999");
    let _same = rig.api.get(&few).await.expect(200);
    let last = format!("/containers/{name}/logs?tail=1");
    assert_eq!(
        rig.api.get(&last).await.expect(200).json["container"]["logs"],
        "end\n"
    );
    watch.assert_below(&rig, 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_too_long_is_an_error() {
    let rig = Rig::new(ServerOptions::default()).await;
    let watch = Watch::start(&rig);
    let row = format!(r#"{{"Id":"{}","Names":["x"]}},"#, "a".repeat(64));
    let mut list = String::from("[");
    while list.len() < 70_000_000 {
        list.push_str(&row);
    }
    list.push_str("{}]");
    rig.fake
        .fault(Route::ContainerList, answered(list), Times::Always);
    let answer = rig.call("list", "").await.expect(502);
    rig.fake.clear_faults();
    assert!(!answer.text.contains("aaaa"));
    watch.assert_below(&rig, 400);
    rig.is_well().await;
}

/// Archives as a container's root could make an engine send them.
fn hostile_archives() -> Vec<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_path("passwd").expect("a name");
    header.set_mode(0o644);
    let with_size = |size: u64| {
        let mut header = header.clone();
        header.set_size(size);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let mut wrong_sum = with_size(0);
    wrong_sum[150] = b'9';
    let kind = |kind: tar::EntryType| {
        let mut header = header.clone();
        header.set_entry_type(kind);
        header.set_size(0);
        header.set_cksum();
        header.as_bytes().to_vec()
    };
    let mut long_name = kind(tar::EntryType::GNULongName);
    long_name.extend_from_slice(&kind(tar::EntryType::GNULongName));
    let mut archives = vec![
        Vec::new(),
        vec![0; 10_240],
        b"<html>no archive</html>".to_vec(),
        vec![0xff; 4096],
        with_size(u64::from(u32::MAX)),
        with_size(u64::MAX),
        with_size(100),
        wrong_sum,
        long_name,
    ];
    archives.extend(
        [
            tar::EntryType::Symlink,
            tar::EntryType::Fifo,
            tar::EntryType::GNUSparse,
            tar::EntryType::XHeader,
        ]
        .map(kind),
    );
    archives
}

#[tokio::test(flavor = "multi_thread")]
async fn account_files_in_broken_archives_make_no_user() {
    let rig = Rig::new(ServerOptions::default().env("REQUEST_TIMEOUT", "5")).await;
    let name = rig.container().await;
    let stopped = format!("/containers/{name}/stop");
    let _stopped = rig.api.act(&stopped).await.expect(200);
    let watch = Watch::start(&rig);
    for archive in hostile_archives() {
        let shown = String::from_utf8_lossy(&archive[..archive.len().min(20)]).into_owned();
        rig.fake
            .fault(Route::ArchiveGet, answered(archive), Times::Always);
        let answer = rig.call("users", &name).await;
        let status = answer.status.as_u16();
        assert!(
            [200, 409, 413, 500, 502].contains(&status),
            "{shown}: {}",
            answer.text
        );
        rig.fake.clear_faults();
    }
    watch.assert_below(&rig, 100);
    rig.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_may_be_as_long_as_the_limit() {
    const LIMIT: usize = 4096;
    let options = ServerOptions::default().env("PODLANE_LIMITS_BODY_BYTES", &LIMIT.to_string());
    let rig = Rig::new(options).await;
    let name = rig.container().await;
    let frame = json!({ "dest_path": "/tmp/file", "content": "" })
        .to_string()
        .len();
    for (length, status) in [
        (LIMIT - 1, 200),
        (LIMIT, 200),
        (LIMIT + 1, 413),
        (LIMIT * 100, 413),
    ] {
        let content = "x".repeat(length - frame);
        let body = json!({ "dest_path": "/tmp/file", "content": content });
        assert_eq!(body.to_string().len(), length);
        rig.fake.clear_requests();
        let _answer = rig
            .api
            .post(&format!("/containers/{name}/files"), body)
            .await
            .expect(status);
        // Nothing of a body that is too long reaches the engine.
        let asked = rig.fake.requests();
        // That the container has started is looked at besides, whoever asks for what.
        let about = asked
            .iter()
            .filter(|one| !one.path_and_query.contains("health"));
        assert_eq!(about.count() == 0, status == 413);
    }
}
