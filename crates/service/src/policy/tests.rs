//! What a policy forbids, and that nothing can be asked for that it does not see.

use super::values::{Value, asked, user};
use super::*;
use crate::{Error, InitChoice, NewContainer, PullAs, PullPolicy};
use podlane_engine::{
    ContainerName, HostPort, ImageRef, InnerPath, Mount, MountSource, PortMapping, Protocol,
    Settings, UserSpec,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn pattern(field: Field, text: &str) -> Pattern {
    Pattern::parse(field, text).expect(text)
}

fn rule(field: Field, allow: Option<&[&str]>, deny: &[&str]) -> Rule {
    let patterns = |texts: &[&str]| texts.iter().map(|text| pattern(field, text)).collect();
    Rule {
        id: format!("test-{}", field.as_str()),
        reason: "a test".into(),
        field,
        allow: allow.map(patterns),
        deny: patterns(deny),
        tenants: Vec::new(),
    }
}

fn container(image: &str) -> NewContainer {
    NewContainer {
        image: ImageRef::parse(image).expect("an image"),
        name: ContainerName::parse("web").expect("a name"),
        entrypoint: Vec::new(),
        command: Vec::new(),
        environment: BTreeMap::new(),
        ports: Vec::new(),
        mounts: Vec::new(),
        user: None,
        workdir: None,
        labels: BTreeMap::new(),
        init: InitChoice::Auto,
        agent: true,
        warm: false,
        pull: Some(PullPolicy::Never),
        pull_as: PullAs::Engine,
        replace: false,
        pod: None,
        settings: Settings::default(),
        lifetime: crate::NewLifetime::default(),
    }
}

fn forbids(rule: Rule, new: &NewContainer) -> bool {
    let policy = Policy {
        rules: vec![rule],
        ..Policy::default()
    };
    !policy.judge(None, &asked(new)).is_empty()
}

#[test]
fn images_are_compared_part_by_part() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let labs = "registry.example.org/labs/*";
    let pinned = format!("{labs}@sha256:*");
    for (pattern, image, fits) in [
        (labs, "registry.example.org/labs/web".to_owned(), true),
        (labs, "registry.example.org/labs/web:2".into(), true),
        (labs, "registry.example.org/labs/a/b".into(), false),
        (labs, "registry.example.org/labsx/web".into(), false),
        (labs, "evil.org/registry.example.org/labs/web".into(), false),
        (labs, "registry.example.org.evil.org/labs/web".into(), false),
        (labs, "registry.example.org:5000/labs/web".into(), false),
        (labs, "labs/web".into(), false),
        ("alpine", "alpine".into(), true),
        ("alpine", "docker.io/library/alpine".into(), false),
        ("alpine:latest", "alpine".into(), true),
        ("alpine:3.*", "alpine:3.20".into(), true),
        ("alpine:3.*", "alpine".into(), false),
        ("alpine:3.*", format!("alpine@{digest}"), false),
        ("**", "registry.example.org/a/b/c:1".into(), true),
        (
            &pinned,
            format!("registry.example.org/labs/web@{digest}"),
            true,
        ),
        (&pinned, "registry.example.org/labs/web:1".into(), false),
    ] {
        let rule = rule(Field::Image, Some(&[pattern]), &[]);
        assert_eq!(
            !forbids(rule, &container(&image)),
            fits,
            "{pattern} {image}"
        );
    }
}

#[test]
fn ports_are_ranges_of_an_address() {
    let with = |host_ip: Option<&str>, host| {
        let mut new = container("alpine");
        new.ports.push(PortMapping {
            host_ip: host_ip.map(|ip| ip.parse().expect("an address")),
            host,
            container: 80,
            protocol: Protocol::Tcp,
        });
        new
    };
    for (pattern, ip, host, fits) in [
        ("8000-8999", None, HostPort::Fixed(8080), true),
        ("8000-8999", None, HostPort::Fixed(80), false),
        ("8000-8999", None, HostPort::Free, false),
        ("0", None, HostPort::Free, true),
        ("127.0.0.1:*", Some("127.0.0.1"), HostPort::Fixed(1), true),
        ("127.0.0.1:*", None, HostPort::Fixed(1), false),
        ("0.0.0.0:*", None, HostPort::Fixed(1), true),
        ("[::1]:80", Some("::1"), HostPort::Fixed(80), true),
        ("80/udp", None, HostPort::Fixed(80), false),
    ] {
        let rule = rule(Field::Ports, Some(&[pattern]), &[]);
        assert_eq!(
            !forbids(rule, &with(ip, host)),
            fits,
            "{pattern} {ip:?} {host:?}"
        );
    }
    for wrong in ["", "x", "80-", "90-80", "80/icmp", "1.2.3:80", "70000"] {
        assert!(Pattern::parse(Field::Ports, wrong).is_err(), "{wrong}");
    }
}

#[test]
fn capabilities_and_users_have_one_form() {
    let mut new = container("alpine");
    new.settings.added_capabilities = vec!["CAP_NET_ADMIN".into()];
    for (pattern, fits) in [
        ("NET_ADMIN", true),
        ("cap_net_admin", true),
        ("net_*", true),
        ("SYS_ADMIN", false),
        ("ALL", false),
    ] {
        let rule = rule(Field::Capabilities, Some(&[pattern]), &[]);
        assert_eq!(!forbids(rule, &new), fits, "{pattern}");
    }
    let no_root = |account: &str| {
        let policy = Policy {
            rules: vec![rule(Field::User, None, &["root"])],
            ..Policy::default()
        };
        !policy
            .judge(None, &[(Field::User, user(account))])
            .is_empty()
    };
    for (account, forbidden) in [
        ("", true),
        ("root", true),
        ("0", true),
        ("00:1000", true),
        ("root:www", true),
        ("1000", false),
        ("student:root", false),
    ] {
        assert_eq!(no_root(account), forbidden, "{account}");
    }
}

#[test]
fn rules_may_be_for_some_tenants() {
    let mut rule = rule(Field::Image, Some(&[]), &[]);
    rule.tenants = vec![Tenant::parse("class-7").expect("a tenant")];
    let policy = Policy {
        rules: vec![rule],
        ..Policy::default()
    };
    let asked = asked(&container("alpine"));
    let of = |tenant: &str| policy.judge(Tenant::parse(tenant).as_ref(), &asked).len();
    assert_eq!((of("class-7"), of("class-8"), of("")), (1, 0, 0));
}

#[test]
fn limits_are_given_and_held() {
    let policy = Policy {
        usual: Limits {
            memory: Some(100),
            ..Limits::default()
        },
        most: Limits {
            memory: Some(200),
            pids: Some(50),
            ..Limits::default()
        },
        ..Policy::default()
    };
    let mut limits = Limits::default();
    assert_eq!(policy.limit(&mut limits), []);
    assert_eq!((limits.memory, limits.pids), (Some(100), Some(50)));
    let mut high = Limits {
        memory: Some(201),
        pids: Some(51),
        ..Limits::default()
    };
    let fields: Vec<_> = policy
        .limit(&mut high)
        .iter()
        .map(|one| one.field)
        .collect();
    assert_eq!(fields, ["limits.memory", "limits.pids"]);
}

#[tokio::test]
async fn a_mount_is_judged_by_where_it_leads() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().canonicalize().expect("there");
    std::fs::create_dir(root.join("labs")).expect("made");
    std::os::unix::fs::symlink("/etc", root.join("labs/link")).expect("made");
    let allowed = format!("{}/labs{{,/**}}", root.display());
    let judge = async |path: String| {
        let mut new = container("alpine");
        new.mounts.push(Mount {
            source: MountSource::Host(path),
            destination: InnerPath::parse("/x").expect("a path"),
            read_only: true,
        });
        values::settle_mounts(&mut new).await?;
        Ok::<_, Error>(forbids(
            rule(Field::Mounts, Some(&[allowed.as_str()]), &[]),
            &new,
        ))
    };
    let at = |rest: &str| format!("{}/{rest}", root.display());
    assert!(!judge(at("labs")).await.expect("there"));
    assert!(!judge(at("labs/.")).await.expect("there"));
    assert!(!judge(at("/labs//")).await.expect("there"));
    for wrong in [
        at("labs/link"),
        at("labs/.."),
        at("labs/../../.."),
        "/".into(),
        "/etc".into(),
    ] {
        assert!(judge(wrong.clone()).await.expect("there"), "{wrong}");
    }
    assert!(judge(at("labs/missing")).await.is_err());
}

fn some(field: Field) -> impl Strategy<Value = NewContainer> {
    let text = "[a-z][a-z0-9]{0,8}";
    (text, 1..=u16::MAX, any::<bool>()).prop_map(move |(text, port, flag)| {
        let mut new = container("alpine");
        match field {
            Field::Image => new.image = ImageRef::parse(&text).expect("an image"),
            Field::Mounts | Field::Volumes => new.mounts.push(Mount {
                source: if field == Field::Mounts {
                    MountSource::Host(format!("/{text}"))
                } else {
                    MountSource::Volume(text)
                },
                destination: InnerPath::parse("/x").expect("a path"),
                read_only: flag,
            }),
            Field::Networks => {
                let networks = [(text, podlane_engine::Membership::default())];
                new.settings.networks = flag.then(|| networks.into());
            }
            Field::Ports => new.ports.push(PortMapping {
                host_ip: None,
                host: if flag {
                    HostPort::Free
                } else {
                    HostPort::Fixed(port)
                },
                container: 80,
                protocol: Protocol::Udp,
            }),
            Field::Capabilities => new.settings.added_capabilities = vec!["ALL".into()],
            Field::Devices => new.settings.devices = vec![format!("/dev/{text}:/dev/x:rwm")],
            Field::User => new.user = UserSpec::parse(&text).ok(),
        }
        new
    })
}

proptest! {
    /// A rule that allows nothing lets nothing of its field through, whatever is asked for.
    #[test]
    fn nothing_of_a_field_passes_unseen(
        (field, new) in prop::sample::select(&Field::ALL[..]).prop_flat_map(|field| (Just(field), some(field)))
    ) {
        prop_assert!(forbids(rule(field, Some(&[]), &[]), &new), "{field:?} {new:?}");
        prop_assert!(!forbids(rule(field, None, &[]), &new));
        let shown = asked(&new);
        prop_assert!(shown.iter().any(|(one, value)| *one == field && !matches!(value, Value::Text(text) if text.is_empty())));
    }

    /// Any text is a pattern or a mistake that is told.
    #[test]
    fn any_text_is_read_or_refused(text: String, field in prop::sample::select(&Field::ALL[..])) {
        let _ = Pattern::parse(field, &text);
    }
}
