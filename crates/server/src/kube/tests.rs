use super::*;
use podlane_engine::{HostPort, MountSource, Protocol, RegistryName, Restart};
use podlane_service::{NewContainer, PullAs, PullPolicy};
use serde_json::json;

fn kube(text: &str) -> Result<NewKube, Refusal> {
    read(text.as_bytes(), Duration::from_secs(30))
}

/// A pod with one container, with further fields of its spec and of the container.
fn pod(spec: &Value, container: &Value) -> String {
    let mut wanted = json!({ "name": "web", "image": "alpine" });
    let fields = wanted.as_object_mut().expect("an object");
    fields.extend(container.as_object().expect("an object").clone());
    let mut all = json!({ "containers": [wanted] });
    let fields = all.as_object_mut().expect("an object");
    fields.extend(spec.as_object().expect("an object").clone());
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "shop" }, "spec": all })
        .to_string()
}

fn one(new: &NewKube) -> &NewContainer {
    &new.pods[0].1[0]
}

const WHOLE: &str = r#"
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data:
  LEVEL: debug
  other: "7"
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data, labels: { course: net-101 } }
spec:
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 1Gi } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  replicas: 1
  selector: { matchLabels: { app: shop } }
  template:
    metadata:
      labels: { app: shop }
      annotations: { io.podman.annotations.init/web: "FALSE", note: anything }
    spec:
      restartPolicy: OnFailure
      hostname: front
      terminationGracePeriodSeconds: 7
      hostAliases: [{ ip: 192.0.2.5, hostnames: [db, cache] }]
      dnsConfig: { nameservers: [192.0.2.53] }
      securityContext: { runAsUser: 1000 }
      containers:
        - name: web
          image: localhost/podlane-busybox:1
          imagePullPolicy: IfNotPresent
          command: [httpd, -f]
          args: [-p, "80"]
          workingDir: /srv
          env:
            - { name: A, value: b }
            - { name: EMPTY }
            - { name: FROM, valueFrom: { configMapKeyRef: { name: settings, key: other } } }
            - { name: NONE, valueFrom: { configMapKeyRef: { name: settings, key: none, optional: true } } }
          envFrom: [{ prefix: X_, configMapRef: { name: settings } }]
          ports:
            - { containerPort: 80, hostPort: 8080, hostIP: 127.0.0.1, name: http }
            - { containerPort: 81 }
          resources: { limits: { memory: 64Mi, cpu: 500m }, requests: { cpu: 10m } }
          volumeMounts:
            - { name: data, mountPath: /data }
            - { name: tmp, mountPath: /tmp, readOnly: true }
            - { name: host, mountPath: /host }
          securityContext:
            privileged: false
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            runAsGroup: 7
            capabilities: { add: [NET_ADMIN], drop: [CAP_MKNOD] }
          livenessProbe: { exec: { command: ["true"] }, periodSeconds: 3 }
          tty: true
      volumes:
        - { name: data, persistentVolumeClaim: { claimName: data } }
        - { name: tmp, emptyDir: {} }
        - { name: host, hostPath: { path: /srv, type: Directory } }
"#;

#[test]
fn documents_ask_for_what_creates_can() {
    let new = kube(WHOLE).expect("fine");
    let (pod, containers) = &new.pods[0];
    assert_eq!(pod.name.as_str(), "shop-pod");
    assert_eq!(pod.hostname.as_deref(), Some("front"));
    assert_eq!((pod.hosts.len(), pod.dns.len()), (2, 1));
    assert_eq!(pod.labels["app"], "shop");
    let [port] = pod.ports[..] else {
        panic!("{:?}", pod.ports)
    };
    assert_eq!(
        (port.host, port.container, port.protocol),
        (HostPort::Fixed(8080), 80, Protocol::Tcp)
    );
    assert!(port.host_ip.is_some());
    let volumes = new.volumes.iter();
    let volumes: Vec<_> = volumes
        .map(|volume| (volume.new.name.as_str(), volume.scratch))
        .collect();
    assert_eq!(volumes, [("data", false), ("shop-pod-tmp", true)]);
    let [web] = &containers[..] else {
        panic!("{} containers", containers.len())
    };
    assert_eq!(web.name.as_str(), "shop-pod-web");
    assert_eq!(
        web.pod.as_ref().map(podlane_engine::PodName::as_str),
        Some("shop-pod")
    );
    assert_eq!(web.entrypoint, ["httpd", "-f"]);
    assert_eq!(web.command, ["-p", "80"]);
    let expected = [
        ("A", "b"),
        ("EMPTY", ""),
        ("FROM", "7"),
        ("X_LEVEL", "debug"),
        ("X_other", "7"),
    ];
    let environment = web.environment.iter();
    let environment: Vec<_> = environment
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(environment, expected);
    assert!(web.ports.is_empty() && web.settings.networks.is_none());
    assert_eq!(
        web.user.as_ref().map(podlane_engine::UserSpec::as_str),
        Some("1000:7")
    );
    assert_eq!(web.pull, Some(PullPolicy::Missing));
    let settings = &web.settings;
    assert_eq!(settings.limits.memory, Some(64 << 20));
    assert_eq!(settings.limits.milli_cpus, Some(500));
    assert_eq!(settings.restart, Some(Restart::OnFailure(None)));
    assert!(settings.read_only && settings.no_new_privileges && settings.tty);
    assert_eq!(settings.added_capabilities, ["CAP_NET_ADMIN"]);
    assert_eq!(settings.dropped_capabilities, ["CAP_MKNOD"]);
    assert_eq!(settings.stop_timeout, Some(Duration::from_secs(7)));
    let check = settings.healthcheck.as_ref().expect("a check");
    assert_eq!(check.interval, Duration::from_secs(3));
    let mut mounts: Vec<_> = web
        .mounts
        .iter()
        .map(|mount| (mount.destination.as_str(), &mount.source, mount.read_only))
        .collect();
    mounts.sort_by_key(|mount| mount.0);
    let volume = |name: &str| MountSource::Volume(name.into());
    assert_eq!(
        mounts,
        [
            ("/data", &volume("data"), false),
            ("/host", &MountSource::Host("/srv".into()), false),
            ("/tmp", &volume("shop-pod-tmp"), true),
        ]
    );
}

#[test]
fn nothing_is_fetched_unasked() {
    let new = kube(&pod(&json!({}), &json!({}))).expect("fine");
    assert_eq!(one(&new).pull, None);
    assert_eq!(one(&new).settings.restart, Some(Restart::Always));
}

/// Insists that each is refused, in words that name it.
fn refused(rows: &[(Value, Value, &str)]) {
    for (spec, container, words) in rows {
        let text = pod(spec, container);
        let Err(refusal) = kube(&text) else {
            panic!("taken: {text}")
        };
        let told = format!("{refusal} {:?}", refusal.hint());
        assert!(refusal.what().is_some(), "{told}");
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn what_no_pod_can_have_is_refused_by_name() {
    let none = || json!({});
    refused(&[
        (json!({ "hostNetwork": true }), none(), "hostNetwork"),
        (json!({ "hostPID": true }), none(), "hostPID"),
        (json!({ "hostIPC": true }), none(), "hostIPC"),
        (json!({ "hostUsers": false }), none(), "hostUsers"),
        (
            json!({ "shareProcessNamespace": true }),
            none(),
            "shareProcessNamespace",
        ),
        (json!({ "initContainers": [] }), none(), "initContainers"),
        (
            json!({ "runtimeClassName": "x" }),
            none(),
            "runtimeClassName",
        ),
        (json!({ "nodeName": "x" }), none(), "nodeName"),
        (
            json!({ "securityContext": { "sysctls": [] } }),
            none(),
            "sysctls",
        ),
        (
            json!({ "securityContext": { "seLinuxOptions": {} } }),
            none(),
            "seLinuxOptions",
        ),
        (json!({ "volumes": [{ "name": "v" }] }), none(), "emptyDir"),
        (
            json!({ "volumes": [{ "name": "v", "secret": { "secretName": "x" } }] }),
            none(),
            "secret",
        ),
        (
            json!({ "volumes": [{ "name": "v", "hostPath": { "path": "/x", "type": "DirectoryOrCreate" } }] }),
            none(),
            "nothing is made",
        ),
        (
            json!({ "volumes": [{ "name": "v", "hostPath": { "path": "x" } }] }),
            none(),
            "absolute",
        ),
        (
            json!({ "volumes": [{ "name": "v", "persistentVolumeClaim": { "claimName": "/etc" } }] }),
            json!({ "volumeMounts": [{ "name": "v", "mountPath": "/etc" }] }),
            "claimName",
        ),
        (
            json!({ "volumes": [{ "name": "v", "emptyDir": { "medium": "Memory" } }] }),
            none(),
            "medium",
        ),
    ]);
}

#[test]
fn what_no_container_can_have_is_refused_by_name() {
    let none = || json!({});
    refused(&[
        (
            none(),
            json!({ "securityContext": { "privileged": true } }),
            "privileged",
        ),
        (
            none(),
            json!({ "securityContext": { "procMount": "Unmasked" } }),
            "procMount",
        ),
        (
            none(),
            json!({ "securityContext": { "seccompProfile": {} } }),
            "seccompProfile",
        ),
        (
            none(),
            json!({ "securityContext": { "appArmorProfile": {} } }),
            "appArmorProfile",
        ),
        (
            none(),
            json!({ "securityContext": { "runAsGroup": 5 } }),
            "runAsUser",
        ),
        (
            none(),
            json!({ "securityContext": { "capabilities": { "add": ["NOT-ONE"] } } }),
            "capabilities",
        ),
        (none(), json!({ "volumeDevices": [] }), "volumeDevices"),
        (none(), json!({ "lifecycle": {} }), "lifecycle"),
        (
            none(),
            json!({ "livenessProbe": { "httpGet": {} } }),
            "httpGet",
        ),
        (
            none(),
            json!({ "volumeMounts": [{ "name": "v", "mountPath": "/v" }] }),
            "no volume",
        ),
        (
            none(),
            json!({ "volumeMounts": [{ "name": "v", "mountPath": "/v", "mountPropagation": "Bidirectional" }] }),
            "mountPropagation",
        ),
        (
            none(),
            json!({ "env": [{ "name": "A", "valueFrom": { "secretKeyRef": {} } }] }),
            "secretKeyRef",
        ),
        (
            none(),
            json!({ "env": [{ "name": "A", "valueFrom": { "configMapKeyRef": { "name": "m", "key": "k" } } }] }),
            "ConfigMap",
        ),
        (
            none(),
            json!({ "env": [{ "name": "A=B", "value": "x" }] }),
            "environment",
        ),
        (
            none(),
            json!({ "image": "docker-archive:/tmp/x.tar" }),
            "image",
        ),
        (none(), json!({ "image": "dir:/etc" }), "image"),
        (none(), json!({ "name": "../x" }), "name"),
        (
            none(),
            json!({ "resources": { "limits": { "memory": "lots" } } }),
            "memory",
        ),
        (
            none(),
            json!({ "resources": { "limits": { "hugepages-2Mi": 1 } } }),
            "hugepages",
        ),
        (
            none(),
            json!({ "ports": [{ "containerPort": 80, "hostPort": 70000 }] }),
            "hostPort",
        ),
        (none(), json!({ "command": [7] }), "command"),
        (none(), json!({ "workingDir": "x" }), "absolute"),
    ]);
}

#[test]
fn other_documents_are_refused() {
    for (text, field) in [
        ("", "body"),
        ("just text", "body"),
        ("- a", "body"),
        ("kind: Pod", "apiVersion"),
        ("kind: DaemonSet\napiVersion: apps/v1", "kind"),
        ("kind: Secret\napiVersion: v1", "kind"),
        ("kind: Deployment\napiVersion: v1", "apiVersion"),
        (
            "kind: ConfigMap\napiVersion: v1\nmetadata: {name: x}",
            "body",
        ),
        (
            "kind: Pod\napiVersion: v1\nmetadata: {name: x}\nspec: {containers: []}",
            "spec",
        ),
        (
            "kind: Pod\napiVersion: v1\nmetadata: {}\nspec: {containers: []}",
            "metadata",
        ),
        (
            "kind: Pod\napiVersion: v1\nmetadata: {name: x, namespace: y}\nspec: {containers: []}",
            "metadata",
        ),
        (
            "kind: Pod\napiVersion: v1\nmetadata: {name: x, annotations: {io.podman.annotations.userns: host}}\nspec: {containers: []}",
            "metadata",
        ),
    ] {
        let refusal = kube(text).expect_err(text);
        assert_eq!(refusal.what(), Some(field), "{text}: {refusal}");
    }
    let two = WHOLE.replace("replicas: 1", "replicas: 2");
    assert_eq!(kube(&two).expect_err("two").what(), Some("spec"));
    let containers = json!([{ "name": "a", "image": "alpine" }]);
    let many: Vec<_> = (0..=CONTAINERS).map(|_| containers[0].clone()).collect();
    let many = pod(&json!({ "containers": many }), &json!({}));
    assert_eq!(kube(&many).expect_err("many").what(), Some("body"));
}

#[test]
fn a_wrong_value_is_not_repeated() {
    let text = pod(
        &json!({}),
        &json!({ "env": [{ "name": "A", "value": ["hunter2"] }] }),
    );
    let refusal = kube(&text).expect_err("no text");
    assert!(!refusal.to_string().contains("hunter2"), "{refusal}");
    assert!(refusal.to_string().contains("value"), "{refusal}");
}

#[test]
fn amounts_are_read() {
    use super::document::Quantity;
    let text = |text: &str| Quantity::Text(text.into());
    for (amount, bytes) in [
        ("64Mi", Some(64 << 20)),
        ("1G", Some(1_000_000_000)),
        ("1048576", Some(1 << 20)),
        ("0.5Gi", Some(1 << 29)),
        ("-1", None),
        ("1e3", None),
        ("inf", None),
        ("", None),
        ("Mi", None),
        ("99999999Ti", None),
    ] {
        assert_eq!(quantity::bytes(&text(amount)), bytes, "{amount}");
    }
    assert_eq!(quantity::cpus(&text("500m")), Some(0.5));
    assert_eq!(quantity::cpus(&Quantity::Number(2.0)), Some(2.0));
    assert_eq!(quantity::cpus(&text("NaN")), None);
}

#[test]
fn what_the_engine_describes_can_be_asked_for_again() {
    let described = json!({
        "apiVersion": "v1", "kind": "Pod", "status": {},
        "metadata": {
            "name": "shop", "creationTimestamp": "2026-11-29T16:09:23Z",
            "annotations": { "io.podman.annotations.privileged/web": "TRUE" },
            "labels": { "app": "shop", "io.podlane.tenant": "class-7" },
        },
        "spec": { "containers": [{ "name": "shop-web", "image": "alpine" }, { "name": "db", "image": "alpine" }] },
    });
    let plain = text(&plain(described));
    assert!(
        !plain.contains("io.pod") && !plain.contains("status"),
        "{plain}"
    );
    let new = kube(&plain).expect("fine");
    let names = new.pods[0]
        .1
        .iter()
        .map(|container| container.name.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["shop-web", "shop-db"]);
}

#[test]
fn pull_secrets_are_names_of_registries() {
    let named = |secrets: Value| kube(&pod(&json!({ "imagePullSecrets": secrets }), &json!({})));
    let new = named(json!([{ "name": "team" }, { "name": "hub" }])).expect("a pod");
    let both = ["team", "hub"].map(|name| RegistryName::parse(name).expect("a name"));
    assert_eq!(one(&new).pull_as, PullAs::AnyOf(both.to_vec()));
    for wrong in [
        json!([{ "name": "a/b" }]),
        json!([{ "name": "" }]),
        json!([{}]),
        json!([{ "name": "team", "namespace": "x" }]),
        json!("team"),
        json!(vec![json!({ "name": "team" }); 17]),
    ] {
        assert!(named(wrong.clone()).is_err(), "{wrong}");
    }
}
