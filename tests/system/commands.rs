//! Commands: what they print, and how they end.

use serde_json::Value;
use tempfile::TempDir;
use upturn_tests::binary::{run, upturn};
use upturn_tests::site::{Plan, Site, THREE_FAILURES};

#[test]
fn ten_mistakes_in_a_rule_get_ten_messages() {
    let folder = TempDir::new().unwrap();
    let rule = "\
id = \"no spaces please\"
kind = \"triger\"
title = { fr = \"Trois\" }
colour = \"red\"
[when]
pattern = \"consecutive\"
event = 7
times = 0
within = \"a while\"
per = \"planet\"
where = 'event.code =='
[episode]
cooldown = -3
";
    let path = folder.path().join("bad.toml");
    std::fs::write(&path, rule).unwrap();
    let mut command = upturn(["check", "--format", "json"]);
    command.arg(&path);
    let output = run(command, "");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    let found: Value = serde_json::from_str(&said).unwrap();
    let found = found["findings"].as_array().unwrap();
    let lines: std::collections::BTreeSet<u64> =
        found.iter().map(|finding| finding["line"].as_u64().unwrap()).collect();
    assert!(10 <= found.len(), "{said}");
    for line in [1, 2, 3, 4, 7, 8, 9, 10, 11, 13] {
        assert!(lines.contains(&line), "line {line} has no finding: {said}");
    }
}

#[test]
fn the_rule_of_the_job_has_no_errors() {
    let rule = concat!(env!("CARGO_MANIFEST_DIR"), "/data/j1/rule.toml");
    let output = run(upturn(["check", rule]), "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn the_schema_of_a_rule_is_json() {
    let output = run(upturn(["schema", "rule"]), "");
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["properties"]["when"].is_object(), "{schema}");
}

#[test]
fn wrong_settings_end_with_78_and_say_where() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("upturn.toml");
    std::fs::write(&path, "[store]\nurl = \"sqlite:x.db\"\n[wep]\nlisten = \"127.0.0.1:1\"\n")
        .unwrap();
    let mut command = upturn(["serve", "--config"]);
    command.arg(&path);
    let output = run(command, "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("wep"), "{said}");
}

#[test]
fn a_database_that_cannot_be_opened_ends_with_69() {
    let folder = TempDir::new().unwrap();
    let no_database = folder.path().join("upturn.db");
    std::fs::write(
        &no_database,
        "this is no database, but long enough to look like one ".repeat(50),
    )
    .unwrap();
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing".to_owned();
    let lost = format!("sqlite:{}", folder.path().join("no/such/folder/x.db").display());
    for url in [format!("sqlite:{}", no_database.display()), nowhere, lost] {
        std::fs::create_dir_all(folder.path().join("rules")).unwrap();
        std::fs::write(folder.path().join("rules/r.toml"), THREE_FAILURES).unwrap();
        let mut command = upturn(["serve"]);
        command.env("UPTURN_STORE__URL", &url).current_dir(folder.path());
        let output = run(command, "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(69), "{url}: {said}");
        assert_eq!(said.lines().count(), 1, "{url}: {said}");
    }
}

#[test]
fn the_configuration_is_shown_without_its_secrets() {
    let folder = TempDir::new().unwrap();
    let mut command = upturn(["config", "print"]);
    command.env("UPTURN_STORE__URL", "postgres://u:S3CR3T@h/d").current_dir(folder.path());
    let output = run(command, "");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("postgres://u:"), "{said}");
    assert!(!said.contains("S3CR3T"), "{said}");
}

#[test]
fn the_doctor_finds_a_running_program_well_and_a_broken_one_ill() {
    let rules = vec![THREE_FAILURES.to_owned()];
    let site = Site::install(&Plan { rules: rules.clone(), ..Plan::default() });
    let output = run(site.command(["doctor"]), "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let away = Plan { broker: Some(upturn_tests::binary::free_port()), rules, ..Plan::default() };
    let output = run(Site::install(&away).command(["doctor"]), "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_second_program_on_the_same_database_is_refused() {
    let site = Site::start(&Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() });
    let output = run(site.command(["serve"]), "");
    assert_eq!(output.status.code(), Some(69), "{output:?}");
}
