//! Pods out of Kubernetes documents, and back.

use crate::rig::Rig;
use crate::{server, server_with};
use http::Method;
use http::header::CONTENT_TYPE;
use podlane_testkit::{Answer, BUSYBOX, Client, ServerOptions, podman, unique};
use serde_json::{Value, json};

/// What podman removes when the test ends.
struct Gone(&'static [&'static str], String);

impl Drop for Gone {
    fn drop(&mut self) {
        let words = self.0.iter().copied().chain([self.1.as_str()]);
        podman(&words.collect::<Vec<_>>());
    }
}

fn pod_gone(name: &str) -> Gone {
    Gone(&["pod", "rm", "-f", "-t", "0"], name.into())
}

fn volume_gone(name: &str) -> Gone {
    Gone(&["volume", "rm", "-f"], name.into())
}

async fn send(api: &Client, path: &str, yaml: &str) -> Answer {
    let mut request = api.request(Method::POST, path, Some(yaml.to_owned()));
    let kind = "application/yaml".parse().expect("a value");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    api.send(request).await
}

/// Two containers, one of which serves what the other has written; a claim, and a directory of their own.
fn documents(name: &str) -> String {
    format!(
        r#"
# A shop.
apiVersion: v1
kind: ConfigMap
metadata: {{ name: words }}
data: {{ GREETING: hello from a map }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{ name: {name}-data }}
---
apiVersion: v1
kind: Pod
metadata:
  name: {name}
  labels: {{ app: {name} }}
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 1
  containers:
    - name: web
      image: {BUSYBOX}
      command: [sh, -c, "echo $GREETING > /www/index.html && exec httpd -f -p 8080 -h /www"]
      envFrom: [{{ configMapRef: {{ name: words }} }}]
      volumeMounts: [{{ name: www, mountPath: /www }}]
      securityContext: {{ allowPrivilegeEscalation: false, capabilities: {{ drop: [NET_RAW] }} }}
      resources: {{ limits: {{ memory: 64Mi }} }}
    - name: job
      image: {BUSYBOX}
      command: [sleep, "5000"]
      volumeMounts:
        - {{ name: www, mountPath: /seen, readOnly: true }}
        - {{ name: data, mountPath: /data }}
  volumes:
    - {{ name: www, emptyDir: {{}} }}
    - {{ name: data, persistentVolumeClaim: {{ claimName: {name}-data }} }}
"#
    )
}

fn names(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().expect("a list").iter();
    rows.filter_map(|row| row["name"].as_str()).collect()
}

#[tokio::test]
async fn documents_go_up_and_down_and_come_back() {
    let server = server();
    let api = server.client();
    let name = unique("kube");
    let volume = format!("{name}-data");
    let _gone = (
        pod_gone(&name),
        volume_gone(&volume),
        volume_gone(&format!("{name}-www")),
    );
    let yaml = documents(&name);
    let up = send(&api, "/kube/up", &yaml).await.expect(200);
    assert_eq!(up.json["pods"][0]["status"], "running", "{}", up.text);
    let (web, job) = (format!("{name}-web"), format!("{name}-job"));
    assert_eq!(names(&up.json["pods"][0]["containers"]), [&job, &web]);
    assert_eq!(up.json["volumes"], json!([volume, format!("{name}-www")]));
    let read = "for i in $(seq 100); do wget -q -O - http://localhost:8080/ && break; sleep 0.1; done; cat /seen/index.html; touch /data/kept; touch /seen/x";
    let read = api.exec(&job, read).await;
    assert_eq!(
        read["stdout"], "hello from a map\nhello from a map\n",
        "{read}"
    );
    assert!(
        read["stderr"].as_str().expect("text").contains("Read-only"),
        "{read}"
    );
    let web = api.get(&format!("/containers/{web}")).await.expect(200);
    let settings = &web.json["container"]["settings"];
    assert_eq!(settings["no_new_privileges"], true, "{}", web.text);
    assert_eq!(settings["limits"]["memory"], 64 << 20);
    assert_eq!(web.json["container"]["labels"]["app"], json!(name));
    let again = send(&api, "/kube/up", &yaml).await.expect(409);
    assert_eq!(again.json["error"]["field"], "name", "{}", again.text);
    assert_eq!(
        api.get(&format!("/pods/{name}")).await.expect(200).json["pod"]["status"],
        "running"
    );

    let described = api
        .get(&format!("/kube/generate?name={name}"))
        .await
        .expect(200);
    assert_eq!(described.headers[CONTENT_TYPE], "application/yaml");
    assert!(
        !described.text.contains("io.podlane."),
        "{}",
        described.text
    );
    let down = send(&api, "/kube/down", &yaml).await.expect(200);
    assert_eq!(down.json["pods"], json!([name]), "{}", down.text);
    assert_eq!(down.json["volumes"], json!([format!("{name}-www")]));
    let _ = api.get(&format!("/pods/{name}")).await.expect(404);
    let _ = api.get(&format!("/containers/{job}")).await.expect(404);

    // What was described is there again, with what the claim's volume held.
    let scratch = json!({ "name": format!("{name}-www") });
    let _ = api.post("/volumes", scratch).await.expect(200);
    let up = send(&api, "/kube/up", &described.text).await.expect(200);
    assert_eq!(up.json["volumes"], json!([]), "{}", up.text);
    assert_eq!(names(&up.json["pods"][0]["containers"]).len(), 2);
    let kept = api.exec(&job, "ls /data").await;
    assert_eq!(kept["stdout"], "kept\n", "{}", described.text);
    let down = send(&api, "/kube/down?volumes=true", &yaml)
        .await
        .expect(200);
    assert_eq!(down.json["volumes"], json!([volume, format!("{name}-www")]));
    let nothing = send(&api, "/kube/down?volumes=true", &yaml)
        .await
        .expect(200);
    assert_eq!(
        (&nothing.json["pods"], &nothing.json["volumes"]),
        (&json!([]), &json!([]))
    );
    let _ = api
        .get(&format!("/kube/generate?name={name}"))
        .await
        .expect(404);
    api.get("/kube/generate").await.refused(400, "name");
}

#[tokio::test]
async fn what_can_not_be_brought_up_whole_leaves_nothing() {
    let server = server();
    let api = server.client();
    let name = unique("kube");
    let _gone = pod_gone(&name);
    let good = documents(&name);
    // The second container's program is not there; its image; the second pod's name.
    let program = good.replace("command: [sleep, \"5000\"]", "command: [nowhere]");
    send(&api, "/kube/up", &program)
        .await
        .refused(400, "command");
    let head = good.rsplit_once("- name: job").expect("two").0;
    let image = format!(
        "{head}- name: job\n      image: localhost/none:1\n  volumes: [{{ name: www, emptyDir: {{}} }}]\n"
    );
    let _ = send(&api, "/kube/up", &image).await.expect(404);
    let pod = good.rsplit_once("---").expect("documents").1;
    let twice = format!("{good}---{pod}");
    let _ = send(&api, "/kube/up", &twice).await.expect(409);
    for path in [
        format!("/pods/{name}"),
        format!("/containers/{name}-web"),
        format!("/volumes/{name}-data"),
        format!("/volumes/{name}-www"),
    ] {
        let _ = api.get(&path).await.expect(404);
    }
}

#[tokio::test]
async fn hostile_documents_reach_nobody() {
    let rig = Rig::new(ServerOptions::default()).await;
    let _ = rig.api.get("/health").await;
    rig.is_quiet().await;
    let before = rig.fake.requests().len();
    let pod = |more: &str, container: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: x}}, spec: {{{more} containers: [{{name: w, image: {BUSYBOX}{container}}}]}}}}"
        )
    };
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (field, yaml) in [
        ("spec", pod("hostNetwork: true,", "")),
        ("spec", pod("hostPID: true,", "")),
        ("spec", pod("hostIPC: true,", "")),
        (
            "privileged",
            pod("", ", securityContext: {privileged: true}"),
        ),
        (
            "spec",
            pod("", ", securityContext: {seLinuxOptions: {type: spc_t}}"),
        ),
        (
            "spec",
            pod("", ", \"securityContext\": {\"\\u0070rocMount\": Unmasked}"),
        ),
        (
            "image",
            pod("", "").replace(BUSYBOX, "'docker-archive:/etc/passwd'"),
        ),
        ("body", pod("", ", name: w2")),
        ("body", bomb.into()),
        ("body", deep),
        ("body", "---\na: 1\n".repeat(1000)),
        ("body", "\0".into()),
        ("kind", "apiVersion: v1\nkind: Node\n".into()),
    ] {
        let answer = send(&rig.api, "/kube/up", &yaml).await;
        assert_eq!(answer.status, 400, "{yaml:.200}: {}", answer.text);
        assert_eq!(
            answer.json["error"]["field"], field,
            "{yaml:.200}: {}",
            answer.text
        );
    }
    let large = format!("# {}\n", "x".repeat(10 << 20));
    let _ = send(&rig.api, "/kube/up", &large).await.expect(413);
    let mut request = rig
        .api
        .request(Method::POST, "/kube/up", Some("a: 1".into()));
    let kind = "application/x-www-form-urlencoded"
        .parse()
        .expect("a value");
    request.headers_mut().insert(CONTENT_TYPE, kind);
    let _ = rig.api.send(request).await.expect(415);
    assert_eq!(
        rig.fake.requests().len(),
        before,
        "{:?}",
        rig.fake.requests()
    );
}

const POLICY: &str = r#"
profile = "hardened"
[[rules]]
id = "no-directories"
reason = "the machine's are not for labs"
field = "mounts"
allow = []
[[rules]]
id = "no-ports"
reason = "nothing is published"
field = "ports"
allow = []
[[rules]]
id = "no-root"
reason = "nobody is root"
field = "user"
deny = ["root"]
[limits.maximum]
memory = "64m"
"#;

#[tokio::test]
async fn documents_are_judged_as_creates_are() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("policy.toml");
    std::fs::write(&file, POLICY).expect("written");
    let options = ServerOptions::default().env("PODLANE_POLICY", file.to_str().expect("text"));
    let server = server_with(options);
    let api = server.client();
    let name = unique("kube");
    let _gone = pod_gone(&name);
    let pod = |more: &str, container: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{{more} containers: [{{name: w, image: {BUSYBOX}, command: [sleep, '5000']{container}}}]}}}}"
        )
    };
    let user = ", securityContext: {runAsUser: 1000}";
    for (field, yaml) in [
        (
            "volumes",
            pod(
                "volumes: [{name: v, hostPath: {path: /srv}}],",
                &format!(", volumeMounts: [{{name: v, mountPath: /v}}]{user}"),
            ),
        ),
        (
            "ports",
            pod(
                "",
                &format!(", ports: [{{containerPort: 80, hostPort: 8080}}]{user}"),
            ),
        ),
        ("user", pod("", "")),
        ("user", pod("", ", securityContext: {runAsUser: 0}")),
        (
            "limits.memory",
            pod(
                "",
                &format!(", resources: {{limits: {{memory: 1Gi}}}}{user}"),
            ),
        ),
    ] {
        send(&api, "/kube/up", &yaml).await.refused(403, field);
    }
    let _ = api.get(&format!("/pods/{name}")).await.expect(404);
    let up = send(&api, "/kube/up", &pod("", user)).await.expect(200);
    assert_eq!(up.json["pods"][0]["status"], "running");
    let made = api.get(&format!("/containers/{name}-w")).await.expect(200);
    let settings = &made.json["container"]["settings"];
    assert_eq!(settings["no_new_privileges"], true, "{}", made.text);
    assert_eq!(settings["limits"]["memory"], 64 << 20);
}

#[tokio::test]
async fn documents_are_their_tenants() {
    let server = server();
    let (one, other) = (unique("class"), unique("class"));
    let tenant = |name: &str| server.client().with("x-tenant", name);
    let (name, volume) = (unique("kube"), unique("data"));
    let _gone = (pod_gone(&name), volume_gone(&volume));
    let yaml = format!(
        r#"
{{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {{name: {volume}}}}}
---
{{apiVersion: v1, kind: Pod, metadata: {{name: {name}}}, spec: {{
  containers: [{{name: w, image: {BUSYBOX}, command: [sleep, "5000"], volumeMounts: [{{name: v, mountPath: /v}}]}}],
  volumes: [{{name: v, persistentVolumeClaim: {{claimName: {volume}}}}}]}}}}
"#
    );
    let (one, other) = (tenant(&one), tenant(&other));
    let _ = send(&one, "/kube/up", &yaml).await.expect(200);
    let _ = one.get(&format!("/containers/{name}-w")).await.expect(200);
    let _ = one.get(&format!("/volumes/{volume}")).await.expect(200);
    let _ = other.get(&format!("/pods/{name}")).await.expect(404);
    let _ = other
        .get(&format!("/kube/generate?name={name}"))
        .await
        .expect(404);
    let described = one
        .get(&format!("/kube/generate?name={name}"))
        .await
        .expect(200);
    assert!(!described.text.contains("io.podlane"), "{}", described.text);
    // Another's volume is none, and another's pod does not go down.
    let foreign = yaml.replace(&name, &unique("kube"));
    let _ = send(&other, "/kube/up", &foreign).await.expect(404);
    let down = send(&other, "/kube/down?volumes=true", &yaml)
        .await
        .expect(200);
    assert_eq!(
        (&down.json["pods"], &down.json["volumes"]),
        (&json!([]), &json!([]))
    );
    let _ = one.get(&format!("/pods/{name}")).await.expect(200);
    let forged = yaml.replace(
        &format!("name: {name}}}"),
        &format!("name: {name}, labels: {{io.podlane.tenant: x}}}}"),
    );
    send(&other, "/kube/up", &forged)
        .await
        .refused(400, "labels");
    let down = send(&one, "/kube/down?volumes=true", &yaml)
        .await
        .expect(200);
    assert_eq!(
        (&down.json["pods"], &down.json["volumes"]),
        (&json!([name]), &json!([volume]))
    );
}
