//! Service events: repair records over HTTP and from a file become a task.

use serde_json::{Value, json};
use upturn_tests::binary::run;
use upturn_tests::http;
use upturn_tests::site::{Plan, Site};

/// Three repairs of one device in a week ask for a consultant.
const THREE_REPAIRS: &str = r#"
id = "three-repairs"
kind = "trigger"
title = { en = "Repaired three times" }

[when]
pattern = "consecutive"
event = "repair_recorded"
times = 3
within = "7d"

[[then]]
task = "consult"
title = { en = "Repaired three times", zh = "三次维修" }
"#;

/// Returns a time some hours ago, as a service desk writes it.
#[expect(clippy::disallowed_methods, reason = "the program under test reads the machine's clock")]
fn hours_ago(hours: i64) -> String {
    (chrono::Utc::now() - chrono::TimeDelta::hours(hours)).to_rfc3339()
}

fn repair(number: i64) -> Value {
    json!({
        "id": format!("R-{number}"), "ts": hours_ago(10 - number), "kind": "repair_recorded",
        "device": "VENT-7", "account": "acme", "severity": "minor",
    })
}

fn site() -> Site {
    Site::start(&Plan { rules: vec![THREE_REPAIRS.to_owned()], ..Plan::default() })
}

#[test]
fn three_repairs_that_a_program_posts_make_one_task_and_count_once() {
    let mut site = site();
    let repairs: Vec<Value> = (1..=3).map(repair).collect();
    let posted = http::post(site.web, "/api/v1/events", &json!(repairs)).unwrap();
    assert_eq!(posted, (200, json!({"accepted": 3, "repeated": 0})));
    // The answer came after the commit of what follows, so there is nothing to wait for.
    let task = &site.tasks()[0];
    assert_eq!((&task["rule"], &task["device"]), (&json!("three-repairs"), &json!("VENT-7")));
    assert_eq!(task["evidence"], json!(["R-1", "R-2", "R-3"]));

    // What was answered survives the end of the process.
    site.kill();
    site.start_again();
    let again = http::post(site.web, "/api/v1/events", &json!(repairs)).unwrap();
    assert_eq!(again, (200, json!({"accepted": 0, "repeated": 3})));
    let with_a_wrong_one = json!([repair(4), {"kind": "repair_recorded"}]);
    let (status, problem) = http::post(site.web, "/api/v1/events", &with_a_wrong_one).unwrap();
    assert_eq!((status, &problem["errors"][0]["index"]), (422, &json!(1)), "{problem}");
    assert_eq!(site.tasks().len(), 1);
}

#[test]
fn a_file_of_repairs_is_imported_whole_or_not_at_all_and_once() {
    let site = site();
    let folder = site.folder.path();
    std::fs::write(folder.join("token"), http::TOKEN).unwrap();
    let import = |table: &str, more: &[&str]| {
        std::fs::write(folder.join("repairs.csv"), table).unwrap();
        let url = format!("http://127.0.0.1:{}", site.web);
        let mut command = site.command(["events", "import", "repairs.csv", "--url", &url]);
        command.args(["--token-file", "token"]);
        command.args(["--kind", "repair_recorded", "--map", "Machine=device"]).args(more);
        let output = run(command, "");
        let said = String::from_utf8(output.stdout).unwrap();
        (output.status.code().unwrap(), said, String::from_utf8(output.stderr).unwrap())
    };
    let row = |hours| format!("{};VENT-9;\"pump,\nagain\"\r\n", hours_ago(hours));
    let good = format!("\u{feff}ts;Machine;part\r\n{}{}{}", row(3), row(2), row(1));
    let bad = format!("{good}yesterday;VENT-9;\r\n");

    let (exit, said, trouble) = import(&bad, &[]);
    assert_eq!((exit, &*said), (65, ""), "{trouble}");
    assert!(trouble.starts_with("repairs.csv:8: column 'ts': ts is \"yesterday\""), "{trouble}");
    assert!(trouble.contains("wrong rows: 1 of 4; nothing was sent"), "{trouble}");
    assert!(site.tasks().is_empty());

    let dry = import(&good, &["--dry-run"]);
    assert_eq!(dry, (0, "events in the file: 3; nothing was sent\n".into(), String::new()));
    let skipping = import(&bad, &["--skip-bad"]);
    assert_eq!((skipping.0, &*skipping.1), (1, "accepted 3, repeated 0, refused 1\n"));
    assert_eq!(site.tasks().len(), 1);
    let again = import(&good, &[]);
    assert_eq!(again, (0, "accepted 0, repeated 3, refused 0\n".into(), String::new()));

    std::fs::write(folder.join("token"), "upt_another").unwrap();
    let mut command = site.command(["events", "import", "repairs.csv"]);
    command.args(["--token-file", "token", "--kind", "visit", "--map", "Machine=device"]);
    command.arg("--url").arg(format!("http://127.0.0.1:{}", site.web));
    let output = run(command, "");
    let trouble = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(69), "{trouble}");
    assert!(trouble.contains("the token is wrong, over or revoked"), "{trouble}");
}
