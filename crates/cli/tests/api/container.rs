//! Containers of tests, and looks at them past the server.

use podlane_testkit::{Client, podman, unique};
use serde_json::{Value, json};
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A running container; removed when dropped.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) name: String,
    api: Client,
}

impl Container {
    /// One that only sleeps.
    pub(crate) async fn sleeping(api: &Client, image: &str) -> Self {
        let command = if image == podlane_testkit::SCRATCH {
            json!(["/tiny", "sleep", "5000"])
        } else {
            json!(["sleep", "5000"])
        };
        Self::with(api, json!({ "image": image, "command": command })).await
    }

    /// One made of the fields of a create, but for the name.
    pub(crate) async fn with(api: &Client, mut body: Value) -> Self {
        let name = unique("exec");
        body["name"] = json!(name);
        let this = Self {
            name,
            api: api.clone(),
        };
        let created = api.post("/containers", body).await.expect(200);
        assert_eq!(created.json["container"]["status"], "running");
        this
    }

    /// One made with the podman command line: what a create can't ask for.
    pub(crate) fn by_podman(api: &Client, image: &str, flags: &[&str]) -> Self {
        let this = Self {
            name: unique("cli"),
            api: api.clone(),
        };
        let fixed = ["run", "-d", "--init", "--name", &this.name];
        let arguments: Vec<&str> = [&fixed, flags, &[image, "sleep", "5000"]].concat();
        let made = podman(&arguments);
        assert!(made.status.success(), "{made:?}");
        this
    }

    pub(crate) fn path(&self, verb: &str) -> String {
        format!("/containers/{}/{verb}", self.name)
    }

    /// An exec with further fields; answers the execution.
    pub(crate) async fn exec(&self, body: Value) -> Value {
        let answer = self.api.post(&self.path("exec"), body).await;
        answer.expect(200).json["execution"].take()
    }

    /// What the podman command line says of one of its fields.
    pub(crate) fn inspect(&self, format: &str) -> String {
        let answer = podman(&["container", "inspect", "--format", format, &self.name]);
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        podman(&["rm", "-f", "-t", "0", "-i", &self.name]);
    }
}

/// A number of seconds that only one test sleeps: its processes can be told by it.
pub(crate) fn nap() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // More than the PIDs of a test binary differ from each other, less than what sleep takes.
    format!(
        "{}",
        1_000_000 + (std::process::id() % 100_000) * 1000 + number
    )
}

/// Processes of this host that live and have `argument` as an argument.
pub(crate) fn running(argument: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("/proc");
    processes
        .filter_map(Result::ok)
        .filter_map(|process| {
            let line = fs::read(process.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let stat = fs::read_to_string(process.path().join("stat")).ok()?;
            let state = stat.rsplit_once(") ")?.1.chars().next()?;
            let named = line.split('\0').any(|part| part == argument);
            (named && !matches!(state, 'Z' | 'X')).then(|| line.replace('\0', " "))
        })
        .collect()
}

/// Waits until `so`.
pub(crate) async fn until(what: &str, so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
