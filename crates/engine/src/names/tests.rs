use super::*;
use proptest::prelude::*;

#[test]
fn container_names_follow_podmans_rule() {
    for good in ["a", "my-container", "web_1.old", "0abc", &"x".repeat(128)] {
        assert!(ContainerName::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "-a",
        ".a",
        "_a",
        "a/b",
        "a b",
        "a\n",
        "a%2Fb",
        "..",
        "é",
        "a;x",
        "a?b",
        "a#b",
        &"x".repeat(129),
    ] {
        assert!(ContainerName::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn image_references_have_no_transport_and_no_path() {
    let digest = format!("sha256:{}", "a".repeat(64));
    for good in [
        "alpine",
        "alpine:latest",
        "localhost/bb:1",
        "localhost:5000/bb",
        "127.0.0.1:5000/a/b:x",
        "quay.io/a/b__c-d.e",
        "c553b569fa12",
        &digest,
        &format!("alpine@{digest}"),
        &format!("alpine:3@{digest}"),
    ] {
        assert!(ImageRef::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "dir:x",
        "oci:x",
        "docker-archive:x",
        "dir:/etc",
        "docker://alpine",
        "containers-storage:alpine",
        "/etc/passwd",
        "./x",
        "../x",
        "a b",
        "A",
        "alpine:",
        "alpine@sha256:zz",
        "a//b",
        "a/../b",
        "x:0/y",
        "alpine\n",
        "a..b",
        "-a",
    ] {
        assert!(ImageRef::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn registries_are_hosts_as_images_name_them() {
    let host = |text: &str| RegistryHost::parse(text).map(|host| host.to_string());
    for (given, same) in [
        ("registry.example.org", "registry.example.org"),
        ("Registry.Example.ORG:5000", "registry.example.org:5000"),
        ("localhost", "localhost"),
        ("hub:5000", "hub:5000"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("docker.io", "docker.io"),
        ("INDEX.docker.io", "docker.io"),
    ] {
        assert_eq!(host(given).as_deref(), Ok(same), "{given}");
    }
    for bad in [
        "",
        "hub",
        "a b.c",
        "a.b/c",
        "https://a.b",
        "a.b:",
        "a.b:0",
        "a.b:080",
        "a.b:+80",
        "a.b:99999",
        "a..b",
        "a.b.",
        ".a.b",
        "-a.b",
        "u@a.b",
        "[::1]:5000",
        "a.b\n",
        "a.b:80:80",
        "*.b",
        "\u{e9}.b",
        &format!("{}.b", "a".repeat(255)),
    ] {
        assert!(host(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn an_image_names_its_registry_or_none() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let registry = |text: &str| {
        let image = ImageRef::parse(text).expect("an image");
        image.registry().map(|host| host.to_string())
    };
    for (image, host) in [
        ("registry.example.org/app", "registry.example.org"),
        (
            "REGISTRY.example.org:5000/a/b:1",
            "registry.example.org:5000",
        ),
        (&*format!("localhost/app@{digest}"), "localhost"),
        ("index.docker.io/alpine", "docker.io"),
    ] {
        assert_eq!(registry(image).as_deref(), Some(host), "{image}");
    }
    for image in [
        "alpine",
        "library/alpine",
        "team/registry.example.org",
        "alpine:5000",
        "a.b:05000/x",
        &digest,
        &format!("registry.example.org@{digest}"),
        "c553b569fa12",
    ] {
        assert_eq!(registry(image), None, "{image}");
    }
}

#[test]
fn paths_are_absolute_and_normal() {
    assert_eq!(
        InnerPath::parse("//tmp/./a//b/").expect("fine").as_str(),
        "/tmp/a/b"
    );
    assert_eq!(InnerPath::parse("/").expect("fine").as_str(), "/");
    for bad in [
        "",
        "tmp",
        "/a/../b",
        "/..",
        "/a\0b",
        &format!("/{}", "a".repeat(256)),
        &"/a".repeat(2048),
    ] {
        assert!(InnerPath::parse(bad).is_err(), "{bad:?}");
    }
    assert!(InnerPath::parse("/..a/b..").is_ok());
    assert!(
        InnerPath::parse("/proc/1")
            .expect("fine")
            .is_within("/proc")
    );
    assert!(
        !InnerPath::parse("/process")
            .expect("fine")
            .is_within("/proc")
    );
}

#[test]
fn users_are_names_or_numbers() {
    for good in [
        "root",
        "0",
        "1000:1000",
        "www-data:www-data",
        "Bob",
        "host$",
    ] {
        assert!(UserSpec::parse(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        ":",
        "a:",
        ":a",
        "a:b:c",
        "a b",
        "-h",
        "a\n",
        "4294967295",
        "99999999999",
    ] {
        assert!(UserSpec::parse(bad).is_err(), "{bad:?}");
    }
    for bad in [
        "",
        "-h",
        "a:b",
        "a\n",
        "..",
        "Root",
        "a.b",
        &"a".repeat(33),
        "1a",
        "a b",
    ] {
        assert!(UserName::parse(bad).is_err(), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn what_passes_is_harmless(text in "\\PC{0,300}|[ -~\\n\\t\\x00]{0,80}") {
        if let Ok(name) = ContainerName::parse(&text) {
            prop_assert!(name.as_str().bytes().all(|b| b.is_ascii_graphic() && !b"/?#%&\\'\"<>".contains(&b)));
        }
        if let Ok(image) = ImageRef::parse(&text) {
            prop_assert!(image.as_str().bytes().all(|b| b.is_ascii_graphic() && !b"?#%&\\'\"<>".contains(&b)));
            prop_assert!(!image.as_str().contains("..") && !image.as_str().starts_with('/'));
        }
        if let Ok(user) = UserSpec::parse(&text) {
            prop_assert!(user.as_str().bytes().all(|b| b.is_ascii_graphic()));
        }
    }

    #[test]
    fn a_parsed_path_is_its_own_normal_form(text in "(/(\\.|a|b\\.|\\.\\.|é)?){1,12}") {
        if let Ok(path) = InnerPath::parse(&text) {
            prop_assert!(path.as_str().starts_with('/'));
            prop_assert!(!path.as_str().split('/').any(|part| part == ".."));
            prop_assert_eq!(&InnerPath::parse(path.as_str()).expect("normal"), &path);
            if let Some((directory, name)) = path.split() {
                prop_assert_eq!(directory.join(name), path);
            }
        }
    }
}

#[test]
fn what_is_made_has_a_repository_and_a_tag() {
    let digest = format!("sha256:{}", "0".repeat(64));
    for (text, expected) in [
        ("app", Some(("app", "latest"))),
        ("app:1.2", Some(("app", "1.2"))),
        ("localhost:5000/app", Some(("localhost:5000/app", "latest"))),
        (
            "localhost:5000/team/app:1",
            Some(("localhost:5000/team/app", "1")),
        ),
        (&format!("app@{digest}"), None),
        (&digest, None),
    ] {
        let image = ImageRef::parse(text).expect(text);
        assert_eq!(image.repository_and_tag(), expected, "{text}");
    }
}
