//! Which values are taken, and what is said of the others.

use super::*;

#[test]
fn the_words_for_yes_and_no_are_taken_in_any_case() {
    for yes in ["true", "True", "TRUE", "1", "yes", "On"] {
        assert!(
            Machine::new().variable("DEBUG", yes).load().unwrap().debug,
            "{yes}"
        );
    }
    for no in ["false", "False", "0", "NO", "off"] {
        assert!(
            !Machine::new().variable("DEBUG", no).load().unwrap().debug,
            "{no}"
        );
    }
}

#[test]
fn a_bad_value_is_named_with_its_origin_and_what_would_be_right() {
    let bad = |name, value| Machine::new().variable(name, value).refusal();
    assert_eq!(
        bad("MAX_WORKERS", "0"),
        "max_workers is \"0\" (environment variable MAX_WORKERS): it must be a whole number from 1 to 1024"
    );
    assert_eq!(
        bad("REQUEST_TIMEOUT", "30s"),
        "request_timeout is \"30s\" (environment variable REQUEST_TIMEOUT): it must be a number of \
         seconds from 0.1 to 3600, such as 30 or 0.5"
    );
    assert_eq!(
        bad("DEBUG", "maybe"),
        "debug is \"maybe\" (environment variable DEBUG): it must be true or false (or 1/0, yes/no, on/off)"
    );
    assert_eq!(
        Machine::new().flag("pull", "sometimes").refusal(),
        "pull is \"sometimes\" (flag --pull): it must be one of \"never\", \"missing\", \"always\""
    );
    assert_eq!(
        Machine::new().user("max_workers = \"20\"").refusal(),
        "max_workers is \"20\" (~/home/.config/podlane/podlane.toml:1): it must be a whole number \
         from 1 to 1024, without quotes"
    );
    for time in ["NaN", "inf", "-1", "1e9", ""] {
        let machine = Machine::new().flag("request-timeout", time);
        assert!(machine.refusal().contains("0.1 to 3600"), "{time}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let machine = Machine::new()
        .variable("MAX_WORKERS", "x")
        .variable("PODLANE_PULL", "y");
    assert_eq!(machine.load().unwrap_err().problems().len(), 2);
}

#[test]
fn a_listener_for_other_machines_needs_a_word_that_it_is_meant() {
    for address in [
        "0.0.0.0:5000",
        "[::]:5000",
        "192.0.2.1:80",
        "[::ffff:192.0.2.1]:80",
    ] {
        assert!(Machine::new().flag("listen", address).load().is_ok());
        let machine = Machine::new().flag("listen", address).flag("auth", "off");
        let refusal = machine.refusal();
        assert!(refusal.contains("--insecure-no-auth"), "{refusal}");
        assert!(refusal.contains("other machines can connect"), "{refusal}");
        assert!(machine.flag("insecure-no-auth", "true").load().is_ok());
    }
    for address in [
        "127.0.0.1:0",
        "127.8.8.8:80",
        "[::1]:5000",
        "localhost:5000",
        "LOCALHOST:5000",
    ] {
        assert!(
            Machine::new().flag("listen", address).load().is_ok(),
            "{address}"
        );
    }
}

#[test]
fn an_address_that_is_none_is_refused_with_one_that_is() {
    let refusal = |address| Machine::new().flag("listen", address).refusal();
    assert!(refusal("8080").ends_with("such as 127.0.0.1:8080"));
    assert!(refusal(":8080").ends_with("such as 127.0.0.1:8080"));
    assert!(refusal("example.org:80").ends_with("such as 127.0.0.1:5000 or [::1]:5000"));
    assert!(refusal("localhost:99999").contains("an IP address and a port"));
}

#[test]
fn an_engine_is_a_unix_socket() {
    let load = |address| Machine::new().variable("PODLANE_ENGINE", address).load();
    let config = load("unix:///run/podman/podman.sock").unwrap();
    assert_eq!(
        config.engine.as_deref(),
        Some(Path::new("/run/podman/podman.sock"))
    );
    let refusal = |address| load(address).unwrap_err().to_string();
    assert!(refusal("tcp://10.0.0.1:2375").contains("tcp:// is not supported"));
    assert!(refusal("/run/podman.sock").contains("written unix:///run/podman.sock"));
    assert!(refusal("unix://run/podman.sock").contains("unix:///absolute/path"));
}

fn shown(list: &[impl ToString]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn hosts_and_origins_are_checked_and_written_as_browsers_write_them() {
    let config = Machine::new()
        .variable(
            "PODLANE_ALLOWED_HOSTS",
            "Containers.example.org, 192.0.2.7:5000,[2001:db8::1]:80,",
        )
        .user("cors_origins = [\"https://Console.Example.org:443\", \"http://localhost:3000\"]")
        .load()
        .unwrap();
    assert_eq!(
        shown(&config.allowed_hosts),
        [
            "containers.example.org",
            "192.0.2.7:5000",
            "[2001:db8::1]:80"
        ]
    );
    assert_eq!(
        shown(&config.cors_origins),
        ["https://console.example.org", "http://localhost:3000"]
    );
    for host in [
        "http://a.example",
        "a b",
        "a.example/x",
        "user@a.example",
        "*",
        "a.example:",
        "a:99999",
    ] {
        assert!(
            Machine::new().flag("allowed-hosts", host).load().is_err(),
            "{host}"
        );
    }
    for origin in [
        "a.example",
        "https://a.example/",
        "null",
        "ftp://a.example",
        "https://",
    ] {
        assert!(
            Machine::new().flag("cors-origins", origin).load().is_err(),
            "{origin}"
        );
    }
    let refusal = Machine::new().flag("cors-origins", "*").refusal();
    assert!(refusal.contains("every web page"), "{refusal}");
}
