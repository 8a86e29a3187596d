//! Containers of tests, removed when a test ends, however it ends.

use podlane_testkit::{Answer, Client, SCRATCH, podman, unique};
use serde_json::{Value, json};

/// A container that lives as long as this value.
pub(crate) struct Fixture {
    pub(crate) name: String,
}

impl Fixture {
    /// A running container, made by the API, with further fields of the body.
    pub(crate) async fn create(api: &Client, image: &str, more: Value) -> Self {
        let fixture = Self {
            name: unique("test"),
        };
        let mut body = json!({ "image": image, "name": fixture.name, "command": idle(image) });
        let fields = body.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        let _ = api.post("/containers", body).await.expect(200);
        fixture
    }

    /// A running container, made by the podman command line with further options.
    pub(crate) fn run(image: &str, options: &[&str]) -> Self {
        Self::by_podman("run", &[&["-d"], options].concat(), image)
    }

    /// A container that never ran.
    pub(crate) fn stopped(image: &str) -> Self {
        Self::by_podman("create", &[], image)
    }

    fn by_podman(verb: &str, options: &[&str], image: &str) -> Self {
        let fixture = Self {
            name: unique("test"),
        };
        let name = ["--name", &fixture.name];
        let command = idle(image);
        let command: Vec<&str> = command.split(' ').collect();
        let arguments = [&[verb], options, &name, &[image], command.as_slice()].concat();
        let made = podman(&arguments);
        assert!(made.status.success(), "{made:?}");
        fixture
    }

    /// The container that a body of a create names, and the test itself makes.
    pub(crate) fn named_in(body: &Value) -> Self {
        let name = body["name"].as_str().expect("a name").to_owned();
        Self { name }
    }

    /// A path below this container.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/containers/{}{rest}", self.name)
    }

    /// Writes a file.
    pub(crate) async fn write(&self, api: &Client, path: &str, content: &str) -> Answer {
        let body = json!({ "dest_path": path, "content": content });
        api.post(&self.path("/files"), body).await
    }

    /// What a shell line in the container says, run by the podman command line; it must succeed.
    #[track_caller]
    pub(crate) fn sh(&self, line: &str) -> String {
        let output = podman(&["exec", &self.name, "sh", "-c", line]);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// A file of the container as it is, running or not.
    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        let output = podman(&["cp", &format!("{}:{path}", self.name), "-"]);
        assert!(output.status.success(), "{path}: {output:?}");
        let size = output.stdout[124..135].iter();
        let size = size.fold(0, |sum, digit| sum * 8 + usize::from(digit - b'0'));
        output.stdout[512..512 + size].to_vec()
    }

    /// Insists that no temporary file is left: on the root file system, and where else `find` looks.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        let diff = podman(&["diff", &self.name]);
        assert!(diff.status.success(), "{diff:?}");
        let diff = String::from_utf8_lossy(&diff.stdout).into_owned();
        assert!(!diff.contains(".podlane-"), "{diff}");
        let find = ["exec", &self.name, "find", "/", "-name", ".podlane-*"];
        let found = podman(&find);
        assert_eq!(String::from_utf8_lossy(&found.stdout), "", "left behind");
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        podman(&["rm", "-f", "-i", "-t", "0", "-v", &self.name]);
    }
}

fn idle(image: &str) -> String {
    let program = if image == SCRATCH { "/tiny " } else { "" };
    format!("{program}sleep 1000")
}
