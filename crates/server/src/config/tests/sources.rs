//! Which source wins, and what names are known.

use super::*;

#[test]
fn without_any_configuration_the_defaults_hold() {
    let config = Machine::new().load().unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:5000");
    assert_eq!(config.max_workers.get(), 10);
    assert_eq!(config.request_timeout, Duration::from_secs(30));
    assert!(!config.debug && !config.insecure_no_auth && config.start_engine);
    assert_eq!(config.engine, None);
    assert_eq!(config.pull, Pull::Never);
    assert_eq!(config.limits.body_bytes, 32 << 20);
    assert_eq!(config.limits.header_bytes, 64 << 10);
}

#[test]
fn the_default_file_and_the_table_hold_every_setting_in_one_order() {
    let config = Machine::new().load().unwrap();
    let shown: Vec<_> = config.table().iter().map(|row| row.key).collect();
    let known: Vec<_> = SETTINGS.iter().map(|setting| setting.key).collect();
    assert_eq!(shown, known);
    let mut documented = Vec::new();
    let mut table = String::new();
    for line in DEFAULT_FILE.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = format!("{}.", name.trim_end_matches(']'));
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            documented.push(format!("{table}{key}"));
        }
    }
    assert_eq!(documented, known);
}

#[test]
fn the_default_file_names_each_variable_and_flag_beside_its_key() {
    for setting in SETTINGS.iter().filter(|setting| setting.flag.is_some()) {
        let at = DEFAULT_FILE.find(&format!("\n{} = ", setting.key)).unwrap();
        let comment = DEFAULT_FILE[..at].lines().next_back().unwrap();
        assert!(comment.contains(setting.variable), "{comment}");
        let flag = format!("--{}", setting.flag.unwrap());
        assert!(comment.ends_with(&flag), "{comment}");
    }
    for setting in SETTINGS.iter().filter(|setting| setting.flag.is_none()) {
        let derived = setting.key.to_uppercase().replace('.', "_");
        assert_eq!(setting.variable, format!("PODLANE_{derived}"));
    }
}

#[test]
fn a_stronger_source_wins_and_is_named() {
    let machine = Machine::new()
        .system("max_workers = 1\nmax_queue = 1\nlimits.connections = 1\ndebug = true\n")
        .user("max_queue = 2\n\n[limits]\nconnections = 2\n")
        .variable("MAX_WORKERS", "3")
        .variable("REQUEST_TIMEOUT", "3")
        .flag("request-timeout", "0.5");
    let config = machine.load().unwrap();
    assert_eq!(config.max_workers.get(), 3);
    assert_eq!(config.max_queue, 2);
    assert_eq!(config.limits.connections.get(), 2);
    assert_eq!(config.request_timeout, Duration::from_millis(500));
    assert!(config.debug);
    assert_eq!(
        origin(&config, "max_workers"),
        "environment variable MAX_WORKERS"
    );
    assert_eq!(origin(&config, "request_timeout"), "flag --request-timeout");
    assert_eq!(origin(&config, "listen"), "default");
    assert!(origin(&config, "debug").ends_with("etc/podlane.toml:4"));
    assert!(origin(&config, "limits.connections").ends_with("podlane/podlane.toml:4"));
}

#[test]
fn a_file_that_was_asked_for_is_the_only_one_and_must_exist() {
    let machine = Machine::new().system("max_queue = 1").file("own.toml", "");
    let own = machine.directory.path().join("own.toml");
    let machine = machine.variable("PODLANE_CONFIG", own.to_str().unwrap());
    assert_eq!(machine.load().unwrap().max_queue, 1000);
    fs::remove_file(own).unwrap();
    assert_eq!(
        machine.refusal(),
        "can't read the configuration file ~/own.toml: No such file or directory (os error 2)"
    );
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let machine = Machine::new()
        .variable("MAX_WORKERS", "")
        .variable("PODLANE_CONFIG", "");
    assert_eq!(machine.load().unwrap().max_workers.get(), 10);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    let unknown = |text| Machine::new().user(text).refusal();
    let file = "~/home/.config/podlane/podlane.toml";
    let right = |line, key, near| {
        format!("{file}:{line}: there is no setting \"{key}\", did you mean \"{near}\"?")
    };
    assert_eq!(
        unknown("\nmax_worker = 3"),
        right(2, "max_worker", "max_workers")
    );
    assert_eq!(
        unknown("body_bytes = 3"),
        right(1, "body_bytes", "limits.body_bytes")
    );
    assert_eq!(
        unknown("[limits]\nboddy_bytes = 3"),
        right(2, "limits.boddy_bytes", "limits.body_bytes")
    );
    assert_eq!(unknown("Listen = ''"), right(1, "Listen", "listen"));
    assert_eq!(
        unknown("[quux]\nxyzzy = 3"),
        format!(
            "{file}:2: there is no setting \"quux.xyzzy\"; `podlane config --default` lists them all"
        )
    );
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_its_line() {
    let refusal = Machine::new()
        .user("debug = true\nlisten = 127.0.0.1:5000\n")
        .refusal();
    assert!(
        refusal.starts_with("~/home/.config/podlane/podlane.toml:2: "),
        "{refusal}"
    );
}

#[test]
fn a_variable_that_nearly_is_one_of_ours_is_warned_about() {
    let warnings = |name| {
        Machine::new()
            .variable(name, "1")
            .load()
            .unwrap()
            .warnings()
            .to_vec()
    };
    assert_eq!(
        warnings("PODLANE_MAX_WORKERS"),
        [
            "the environment variable PODLANE_MAX_WORKERS has no effect; the one that has is MAX_WORKERS"
        ]
    );
    assert_eq!(warnings("PODLANE_LISTN").len(), 1);
    assert!(warnings("PODLANE_SERVICE_HOST").is_empty());
    assert!(warnings("PODLANE_PORT").is_empty());
}

#[test]
fn the_table_can_be_used_as_a_file() {
    let config = Machine::new()
        .variable("PODLANE_ALLOWED_HOSTS", "a.example,b.example")
        .variable("DEBUG", "Yes")
        .load()
        .unwrap();
    let lines = config
        .table()
        .iter()
        .map(|row| format!("{} = {}\n", row.key, row.value));
    let again = Machine::new()
        .user(&lines.collect::<String>())
        .load()
        .unwrap();
    let values = |config: &Config| {
        config
            .table()
            .iter()
            .map(|row| row.value.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(values(&again), values(&config));
}
