//! `upturn records`: tables of other systems, taken in as a whole or not at all.

use std::path::{Path, PathBuf};

use serde_json::Value;
use upturn_tests::binary::run;
use upturn_tests::site::{Plan, Site};

/// All samples, those that others name first.
const SAMPLES: [&str; 13] = [
    "account",
    "site",
    "device",
    "contact",
    "product",
    "price",
    "stock",
    "installed",
    "deal",
    "order",
    "shipment",
    "plan",
    "work-order",
];

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

/// Returns an installation with the sample registry.
fn site() -> Site {
    let site = Site::install(&Plan::default());
    let settings = site.folder.path().join("upturn.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let registry = deploy().join("registry");
    let text = format!("{text}[registry]\ndir = \"{}\"\n", registry.display());
    std::fs::write(settings, text).unwrap();
    site
}

/// Imports a table; returns the exit code and what was told.
fn import(site: &Site, kind: &str, file: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let mut command = site.command(["records", "import", kind]);
    command.arg(file).arg("--json").args(more);
    let output = run(command, "");
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn the_samples_are_taken_in_and_the_second_time_change_nothing() {
    let site = site();
    for (number, kind) in SAMPLES.into_iter().enumerate() {
        let file = deploy().join(format!("records/{kind}.csv"));
        let (code, looked) = import(&site, kind, &file, &["--dry-run"]);
        assert_eq!((code, &looked["written"]), (Some(0), &Value::Null), "{kind}: {looked}");
        let (code, taken) = import(&site, kind, &file, &[]);
        assert_eq!((code, &taken["written"]), (Some(0), &looked["new"]), "{kind}: {taken}");
        let (code, again) = import(&site, kind, &file, &[]);
        assert_eq!((code, &again["written"]), (Some(0), &Value::from(0)), "{kind}: {again}");
        let listed = run(site.command(["records", "list", kind]), "");
        let lines = String::from_utf8(listed.stdout).unwrap().lines().count();
        assert_eq!(Value::from(lines), taken["new"], "{kind}, number {number}");
    }
}

#[test]
fn the_table_of_failures_is_learnt_from_records_of_work_orders() {
    let site = site();
    for kind in SAMPLES {
        let file = deploy().join(format!("records/{kind}.csv"));
        let (code, said) = import(&site, kind, &file, &[]);
        assert_eq!(code, Some(0), "{kind}: {said}");
    }
    let learn = |as_of: &str, more: &[&str]| {
        let mut command = site.command(["stock", "learn", "--as-of", as_of]);
        command.args(more);
        let output = run(command, "");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    // One of two orders needed the part, three days later; the device is an X7 and an EV-X7.
    let said = learn("2026-06-30", &[]);
    let rows: Vec<Vec<&str>> = said.lines().skip(1).map(|row| row.split(',').collect()).collect();
    let told: Vec<_> = rows.iter().map(|row| (row[0], row[2], row[3], row[5], row[6])).collect();
    let expected = ["EV-X7", "X7"].map(|model| (model, "EV-X9", "0.5000", "3", "2"));
    assert_eq!(told, expected, "{said}");
    let said = learn("2026-06-30", &["--toml"]);
    assert!(said.contains("model = \"X7\"\nfault = \"charger-care\"\npart = \"EV-X9\""), "{said}");
    // The second order was open still.
    assert!(learn("2026-05-11", &[]).contains("X7,charger-care,EV-X9,1.0000,"));
}

#[test]
fn a_wrong_table_is_told_line_by_line_and_changes_nothing() {
    let site = site();
    let file = site.folder.path().join("devices.csv");
    std::fs::write(&file, "device,product\nEVSE-0042,EV-X7\nEVSE-9999,EV-X7\n").unwrap();
    let (code, said) = import(&site, "installed", &file, &[]);
    assert_eq!(code, Some(65), "{said}");
    let wrong: Vec<_> = said["wrong"].as_array().unwrap().iter().map(|w| &w["line"]).collect();
    assert_eq!(wrong, [3, 2, 3], "the device, and the product of both: {said}");
    assert_eq!(said["written"], Value::Null);
}
