//! Tests of the configuration as a whole: text and environment in, settings or problems out.

use super::*;

const SAMPLE: &str = include_str!("../../../deploy/config.sample.toml");

fn load(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment = Environment::of(owned);
    let document = Document::parse(Path::new("upturn.toml"), text.to_owned());
    let document = document.map_err(|problems| ConfigError::Wrong { problems });
    let config = document.and_then(|document| Config::of_layers(Some(document), environment));
    config.map_err(|error| error.to_string().lines().map(str::to_owned).collect())
}

/// The settings of `text`, without the file they came from.
fn settings(text: &str) -> Config {
    Config { file: None, ..load(text, &[]).unwrap() }
}

#[test]
fn the_sample_holds_the_defaults_and_every_key() {
    assert_eq!(settings(SAMPLE), Config::default());

    // A key that has no default stands behind a '#' and no blank.
    let uncomment = |line: &str| match line.strip_prefix('#') {
        Some(key) if !key.starts_with(' ') => format!("{key}\n"),
        _ => format!("{line}\n"),
    };
    let whole: String = SAMPLE.lines().map(uncomment).collect();
    let config = settings(&whole);
    let shown: toml::Table = toml::from_str(&config.to_toml().unwrap()).unwrap();
    let written: toml::Table = toml::from_str(&whole).unwrap();
    assert_eq!(shown, written);

    // Every optional setting is set, so every key was in what was compared.
    let connect = config.mqtt.connect.unwrap();
    let tls = config.mqtt.tls.unwrap();
    let optional = [
        tls.client_ca_file.is_some(),
        tls.client_crl_file.is_some(),
        config.mqtt.rate_max.is_some(),
        connect.share.is_some(),
        connect.username.is_some(),
        connect.password_file.is_some(),
        connect.ca_file.is_some(),
        connect.cert_file.is_some(),
        connect.key_file.is_some(),
        config.mqtt.listen.is_some(),
        config.mqtt.sessions.is_some(),
        config.registry.dir.is_some(),
        config.outbox.mqtt_topic.is_some(),
        config.delivery.dir.is_some(),
        config.web.public_url.is_some(),
        config.retention.events.is_some(),
        config.retention.dead_letters.is_some(),
    ];
    assert_eq!(optional, [true; 17]);
}

#[test]
fn what_is_printed_loads_again() {
    let texts = [
        "",
        "[mqtt.connect]\nurl = \"mqtts://broker\"\n",
        "[[source]]\nname = \"a\"\ntopic = \"t/{device}\"\nformat = \"ocpp16\"\naccept_past = \"2h\"\n",
        "[log]\nformat = \"json\"\nlevel = \"debug\"\n[registry]\ndir = \"r\"\n",
    ];
    for text in texts {
        let config = settings(text);
        assert_eq!(settings(&config.to_toml().unwrap()), config, "case: {text}");
    }
}

#[test]
fn nothing_that_is_printed_or_shown_holds_a_password() {
    let config = settings("[store]\nurl = \"postgres://u:geheim@h/d?password=geheim\"\n");
    for shown in [config.to_toml().unwrap(), format!("{config:?}")] {
        assert!(shown.contains("postgres://u:***@h/d?password=***"), "{shown}");
        assert!(!shown.contains("geheim"), "{shown}");
    }
    for url in ["mqtt://u:geheim@broker", "mqtts://u:geheim@broker:99999"] {
        let problems = load(&format!("[mqtt.connect]\nurl = \"{url}\"\n"), &[]).unwrap_err();
        assert!(!problems.concat().contains("geheim"), "{problems:?}");
    }
}

#[test]
fn other_machines_come_in_with_certificates_only() {
    let tls = |listen: &str, more: &str| {
        let files = "cert_file = \"c\"\nkey_file = \"k\"\n";
        load(&format!("[mqtt.tls]\nlisten = \"{listen}\"\n{files}{more}"), &[])
    };
    assert!(tls("127.0.0.1:8883", "").is_ok());
    assert!(tls("0.0.0.0:8883", "client_ca_file = \"ca\"\n").is_ok());
    let problems = tls("127.0.0.1:8883", "client_crl_file = \"crl\"\n").unwrap_err().join("\n");
    assert!(problems.contains("mqtt.tls.client_crl_file: no certificate is asked"), "{problems}");
    let problems = tls("0.0.0.0:8883", "").unwrap_err().concat();
    assert!(problems.contains("mqtt.tls.client_ca_file: 0.0.0.0:8883 can be"), "{problems}");
    assert_eq!(tls("127.0.0.1:8883", "").unwrap().mqtt.listen, None, "TLS only");
}

#[test]
fn the_way_to_another_broker_has_a_version_a_quality_and_perhaps_a_group() {
    let connect = |more: &str| load(&format!("[mqtt.connect]\nurl = \"mqtt://b\"\n{more}"), &[]);
    let found = connect("version = \"3.1.1\"\nqos = 2\nshare = \"g\"\n").unwrap();
    let found = found.mqtt.connect.unwrap();
    assert_eq!((found.version, found.qos), (mqtt::MqttVersion::V3, mqtt::Qos::ExactlyOnce));
    assert_eq!(found.filter("a/+".to_owned()), "$share/g/a/+");
    let cases = [
        ("version = \"4\"\n", "version"),
        ("qos = 3\n", "3 is no QoS; use 0, 1 or 2"),
        ("share = \"a/b\"\n", "no '/', '+' or '#'"),
    ];
    for (text, expected) in cases {
        let problems = connect(text).unwrap_err().concat();
        assert!(problems.contains(expected), "case: {text}: {problems}");
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let text = "[web]\nlisten = \"127.0.0.1:1\"\n[log]\nlevel = \"warn\"\n";
    let config = load(
        text,
        &[
            ("UPTURN_WEB__LISTEN", "127.0.0.1:2"),
            ("UPTURN_MQTT__CONNECT__URL", "mqtt://broker"),
            ("UPTURN_MQTT__CONNECT__USERNAME", "0042"),
            ("UPTURN_SOURCE", r#"[{ name = "a", topic = "t/{device}", format = "native" }]"#),
            ("UPTURN_CONFIG", "elsewhere.toml"),
            ("UPTURN_TEST_POSTGRES", "of the tests"),
            ("HOME", "/home"),
        ],
    );
    let config = config.unwrap();
    assert_eq!(config.web.listen.to_string(), "127.0.0.1:2");
    assert_eq!(config.log.level, LogLevel::Warn);
    assert_eq!(config.log.format, LogFormat::Text);
    assert_eq!(config.mqtt.connect.unwrap().username.as_deref(), Some("0042"));
    let names: Vec<_> = config.source.iter().map(|source| source.name.to_string()).collect();
    assert_eq!(names, ["a"]);
}

#[test]
fn the_embedded_broker_listens_unless_another_one_is_named() {
    let connect = "[mqtt.connect]\nurl = \"mqtt://broker\"\n";
    let cases = [
        ("", Some("127.0.0.1:1883"), false),
        (connect, None, true),
        ("[mqtt]\nlisten = \"0.0.0.0:1\"\n", Some("0.0.0.0:1"), false),
        (
            "[mqtt]\nlisten = \"0.0.0.0:1\"\n[mqtt.connect]\nurl = \"mqtt://broker\"\n",
            Some("0.0.0.0:1"),
            true,
        ),
    ];
    for (text, listen, connects) in cases {
        let mqtt = settings(text).mqtt;
        let found = mqtt.listen.map(|listen| listen.to_string());
        assert_eq!((found.as_deref(), mqtt.connect.is_some()), (listen, connects), "case: {text}");
    }
}

#[test]
fn a_broker_may_be_named_by_its_url_alone() {
    let whole = settings("[mqtt.connect]\nurl = \"mqtt://h:1\"\n");
    assert_eq!(settings("[mqtt]\nconnect = \"mqtt://h:1\"\n"), whole);
    let by_variable = load("", &[("UPTURN_MQTT__CONNECT", "mqtt://h:1")]).unwrap();
    assert_eq!(Config { file: None, ..by_variable }, whole);
    let wrong = load("\n[mqtt]\nconnect = \"h:1\"\n", &[]).unwrap_err();
    assert!(wrong[0].starts_with("upturn.toml:3: mqtt.connect.url: "), "{wrong:?}");
}

#[test]
fn all_mistakes_of_a_file_and_of_the_environment_are_listed_at_once() {
    let text = r#"
[store]
url = "mysql://h/d"
[web]
listne = "127.0.0.1:1"
[mqtt]
listen = "localhost"
[mqtt.connect]
url = "mqtt://u:p@broker"
protocol = "3.1.1"
[[source]]
name = "a b"
topic = "t/+"
format = "natve"
[[source]]
name = "c"
topic = "t/{device}"
format = "native"
accept_past = "4 weeks"
acept_future = "5m"
[[source]]
name = "d"
[log]
level = 3
[colour]
red = "no"
"#;
    let problems = load(text, &[("UPTURN_LOG__FORMAT", "xml"), ("UPTURN_RULES__DIRR", "x")]);
    let mut found = problems.unwrap_err();
    found.sort();
    let mut expected = [
        "upturn.toml:3: store.url: the store is neither sqlite:PATH nor \
         postgres://user@host/database; write one",
        "upturn.toml:5: web.listne: unknown key 'listne'; did you mean 'listen'?",
        "upturn.toml:7: mqtt.listen: 'localhost' is no address to listen at; write an IP address \
         and a port, such as \"127.0.0.1:8080\"",
        "upturn.toml:9: mqtt.connect.url: the broker's URL holds credentials; write them as \
         username and password_file",
        "upturn.toml:10: mqtt.connect.protocol: unknown key 'protocol'; there are url, version, qos, \
         share, client_id, username, password_file, ca_file, cert_file, key_file",
        "upturn.toml:12: source[0].name: 'a b' is no name of a source; use 1 to 64 letters, \
         digits, '-' or '_'",
        "upturn.toml:13: source[0].topic: topic level '+' contains '+', '#', '{' or '}'; name a \
         level that varies {_}",
        "upturn.toml:14: source[0].format: unknown value 'natve'; did you mean 'native'?",
        "upturn.toml:19: source[1].accept_past: '4 weeks' is no length of time; write a number \
         and ms, s, m, h or d, such as \"5m\"",
        "upturn.toml:20: source[1].acept_future: unknown key 'acept_future'; did you mean \
         'accept_future'?",
        "upturn.toml:21: source[2]: 'topic' is missing; add it",
        "upturn.toml:24: log.level: this is a number; write a text in quotes",
        "upturn.toml:25: colour: unknown key 'colour'; there are store, retention, mqtt, source, rules, \
         registry, web, outbox, delivery, feeds, compliance, stock, forecast, audit, http, log",
        "environment UPTURN_LOG__FORMAT: log.format: unknown value 'xml'; there are text, json",
        "environment UPTURN_RULES__DIRR: rules.dirr: unknown key 'dirr'; did you mean 'dir'?",
    ];
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn refuses_settings_that_do_not_fit_together() {
    let connect = "[mqtt.connect]\nurl = \"mqtt://broker\"\n";
    let source = |name: &str, topic: &str| {
        format!("[[source]]\nname = \"{name}\"\ntopic = \"{topic}\"\nformat = \"native\"\n")
    };
    let cases = [
        (
            format!("{connect}ca_file = \"ca.pem\"\n"),
            "upturn.toml:3: mqtt.connect.ca_file: this is for TLS; let the url begin with mqtts://",
        ),
        (
            "[mqtt.connect]\nurl = \"mqtts://broker\"\ncert_file = \"c.pem\"\n".to_owned(),
            "upturn.toml:3: mqtt.connect.cert_file: a certificate needs its private key; add \
             key_file",
        ),
        (
            format!("{connect}password_file = \"p\"\n"),
            "upturn.toml:3: mqtt.connect.password_file: a password needs a username; add one",
        ),
        (
            format!("{connect}client_id = \"\"\n"),
            "upturn.toml:3: mqtt.connect.client_id: a client id has 1 to 128 bytes and no control \
             characters",
        ),
        (
            "[store]\npassword_file = \"p\"\n".to_owned(),
            "upturn.toml:2: store.password_file: only a postgres URL without a password of its \
             own needs one; remove it",
        ),
        (
            source("a", "t/{device}") + &source("a", "u/{device}"),
            "upturn.toml:6: source[1].name: 'a' is another source's name too",
        ),
        (
            source("a", "t/{device}/{_}") + &source("b", "t/{device}/{action}"),
            "upturn.toml:7: source[1].topic: source 'a' reads the same topics; keep one of them",
        ),
        (
            "source = []\n".to_owned(),
            "upturn.toml:1: source: no source is left; remove the key to get the usual ones",
        ),
        (
            "[web]\nlisten = \"0.0.0.0:1883\"\n".to_owned(),
            "upturn.toml:2: web.listen: mqtt.listen is 127.0.0.1:1883 too; let them listen at \
             different ports",
        ),
        (
            "[outbox]\nmqtt_topic = \"a/+\"\n".to_owned(),
            "upturn.toml:2: outbox.mqtt_topic: a topic to publish to is not empty, begins without \
             '$' and has no '+' or '#'",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(load(&text, &[]).unwrap_err(), [expected], "case: {text}");
    }
}

#[test]
fn names_the_type_that_a_setting_should_have() {
    let cases = [
        ("web = 3\n", "upturn.toml:1: web: this is a number; write a table"),
        (
            "[rules]\ndir = 3\n",
            "upturn.toml:2: rules.dir: this is a number; write a text in quotes",
        ),
        (
            "[store]\nurl = true\n",
            "upturn.toml:2: store.url: this is true or false; write a text in quotes",
        ),
        ("source = \"x\"\n", "upturn.toml:1: source: this is a text; write a list"),
    ];
    for (text, expected) in cases {
        assert_eq!(load(text, &[]).unwrap_err(), [expected], "case: {text}");
    }
}

#[test]
fn says_which_line_is_no_toml() {
    let problems = load("[web]\nlisten = \n", &[]).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("upturn.toml:2: not TOML: "), "{problems:?}");
}

#[test]
fn a_named_file_must_exist_and_one_that_is_not_named_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let environment = || {
        let named = ("UPTURN_CONFIG".to_owned(), path.display().to_string());
        Environment::of([named])
    };
    assert!(matches!(Config::load_with(None, environment()), Err(ConfigError::Read { .. })));
    assert!(matches!(
        Config::load_with(Some(&path), Environment::default()),
        Err(ConfigError::Read { .. })
    ));
    fs::write(&path, "\u{feff}[log]\nlevel = \"warn\"\n").unwrap();
    let config = Config::load_with(None, environment()).unwrap();
    assert_eq!((config.log.level, config.file), (LogLevel::Warn, Some(path)));
    assert_eq!(Config::load_with(None, Environment::default()).unwrap(), Config::default());
}
