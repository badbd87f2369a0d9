//! Telemetry of others, through our rules: figures that were reckoned by other means.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails where something is missing"
)]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde_json::Value;
use upturn_core::catalogue::Catalogue;
use upturn_core::decode::{Format, Sources, line};
use upturn_core::registry::Registry;
use upturn_core::replay::{Keep, Replay, in_force};
use upturn_core::rule::parse;
use upturn_core::task::Task;

/// Returns a folder of wider samples beside the repository, if it is there.
fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/telemetry").join(path);
    if path.exists() {
        return Some(path);
    }
    // Past the test runner's capture; where standard error is closed there is nobody to tell.
    drop(writeln!(std::io::stderr(), "not tested: the wider samples; ../shared is not there"));
    None
}

/// Returns the tasks that stand after `lines`, under a rule with these sections.
fn tasks(when: &str, cooldown: &str, lines: impl IntoIterator<Item = String>) -> Vec<Task> {
    let text = format!(
        "id = \"r\"\nkind = \"trigger\"\ntitle = {{ en = \"r\" }}\n[when]\n{when}\n\
         [episode]\ncooldown = \"{cooldown}\"\n[[then]]\ntask = \"care\"\n"
    );
    let (rule, findings) = parse::parse(&text, &Catalogue::of(&[Format::Native]));
    let rule = rule.unwrap_or_else(|| panic!("{findings:?}"));
    let mut replay = Replay::new(vec![in_force(rule, "")], Registry::default(), Keep::Needed);
    for text in lines {
        let log_time = replay.engine().log_time().max(DateTime::UNIX_EPOCH);
        let event = line::decode(&text, &Sources(Vec::new()), log_time);
        replay.take_event(event.unwrap_or_else(|error| panic!("{text}: {error}")));
    }
    replay.board().by_device_and_time().into_iter().cloned().collect()
}

fn csv(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    let cells =
        |line: &str| line.split(',').map(|cell| cell.trim_matches('"').to_owned()).collect();
    text.lines().skip(1).map(cells).collect()
}

/// Returns each machine's times in a table whose first columns are time and machine.
fn by_machine(rows: &[Vec<String>]) -> BTreeMap<String, Vec<DateTime<Utc>>> {
    let mut times: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in rows {
        let at = NaiveDateTime::parse_from_str(&row[0], "%Y-%m-%d %H:%M:%S").unwrap().and_utc();
        times.entry(format!("m-{}", row[1])).or_default().push(at);
    }
    for of in times.values_mut() {
        of.sort();
    }
    times
}

#[test]
fn three_errors_of_a_machine_in_a_day_come_before_a_failure() {
    let Some(folder) = shared("machine-failures") else { return };
    let errors = csv(&folder.join("azure-pdm_errors_machines-001-060.csv"));
    let failures = by_machine(&csv(&folder.join("azure-pdm_failures_machines-001-060.csv")));
    let is_followed = |machine: &str, at: DateTime<Utc>| {
        let of = failures.get(machine).map_or(&[][..], Vec::as_slice);
        of.iter().any(|failure| at <= *failure && *failure <= at + TimeDelta::days(7))
    };
    let lines = || {
        let mut rows = errors.clone();
        rows.sort();
        rows.into_iter().enumerate().map(|(number, row)| {
            let at = row[0].replace(' ', "T");
            format!(
                r#"{{"device":"m-{}","id":"{number}","ts":"{at}Z","kind":"error","code":"{}"}}"#,
                row[1], row[2]
            )
        })
    };
    let when = "pattern = \"count\"\nevent = \"error\"\ntimes = 3\nwithin = \"24h\"";
    let found = |cooldown| {
        let tasks = tasks(when, cooldown, lines());
        let followed = tasks.iter().filter(|task| is_followed(&task.scope, task.occasion.last_at));
        (tasks.len(), followed.count())
    };
    // Every third error within a day of the last but one, windows that overlap counted.
    assert_eq!(found("0s"), (46, 42));
    assert_eq!(found("24h"), (41, 37));
}

#[test]
fn no_charger_of_palo_alto_has_three_sessions_without_energy_in_a_row() {
    let Some(path) = shared("ev-sessions/palo-alto_sessions_hamilton1_bryant1.csv") else {
        return;
    };
    // Its times are of the wall; an offset of zero keeps their order but for one hour a year.
    let rows = csv(&path);
    let lines = rows.iter().enumerate().map(|(number, row)| {
        let at = NaiveDateTime::parse_from_str(&row[5], "%m/%d/%Y %H:%M").unwrap().and_utc();
        let station = row[0].replace([' ', '/', '#'], "-");
        let kwh: f64 = row[10].parse().unwrap();
        format!(
            r#"{{"device":"{station}","id":"{number}","ts":"{}","kind":"session","channel":"{}","kwh":{kwh}}}"#,
            at.to_rfc3339(),
            row[14]
        )
    });
    let lines: Vec<_> = lines.collect();
    assert_eq!(lines.len(), 4_209);
    let in_a_row = |times: usize| {
        // A session with energy breaks the run: it is of another kind.
        let told = lines.iter().map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            let is_empty = value["kwh"].as_f64().unwrap() < 0.1;
            if is_empty { line.replace("\"session\"", "\"empty_session\"") } else { line.clone() }
        });
        let when = format!(
            "pattern = \"consecutive\"\nevent = \"empty_session\"\nreset_by = [\"session\"]\n\
             times = {times}\nwithin = \"400d\"\nper = \"channel\""
        );
        tasks(&when, "0s", told).len()
    };
    assert_eq!(in_a_row(3), 0);
    assert!(0 < in_a_row(1), "there are sessions without energy");
}

#[test]
fn alarms_come_in_pairs_and_only_their_raises_count() {
    let Some(path) = shared("ventilator-makair/v2_short.ndjson") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let messages = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let alarms = messages.filter(|message| message["message_type"] == "AlarmTrap");
    let lines: Vec<String> = (0_i64..)
        .zip(alarms)
        .map(|(number, alarm)| {
            // Its counter is of microseconds since the start.
            let at = alarm["systick"].as_i64().unwrap() / 1_000;
            let event = serde_json::json!({
                "device": alarm["device_id"], "id": number.to_string(), "ts": at, "kind": "alarm",
                "code": alarm["alarm_code"].to_string(), "raised": alarm["triggered"],
            });
            event.to_string()
        })
        .collect();
    assert_eq!(lines.len(), 29);
    let of = |code: &str, raised: bool| {
        let line = format!("\"code\":\"{code}\"");
        let state = format!("\"raised\":{raised}");
        lines.iter().filter(|text| text.contains(&line) && text.contains(&state)).count()
    };
    assert_eq!((of("17", true), of("17", false)), (10, 10));
    let raised = |times: usize| {
        let when = format!(
            "pattern = \"count\"\nevent = \"alarm\"\nwhere = 'event.raised == true'\n\
             times = {times}\nwithin = \"1h\"\nper = \"event.code\""
        );
        tasks(&when, "1d", lines.clone())
            .into_iter()
            .map(|t| t.scope.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(raised(10), ["17"], "ten raises, not twenty messages");
    assert_eq!(raised(11), [""; 0]);
}
