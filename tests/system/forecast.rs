//! Forecasts from files: what is written, what is left out, and what is marked.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;
use upturn_tests::binary::{run, upturn};

/// Rows by item and date: mean and quantiles, and the mark.
type Rows = BTreeMap<(String, String), ([f64; 4], String)>;

fn demand(folder: &Path, table: &str, freq: &str) -> (Output, Rows) {
    let (input, output) = (folder.join("in.csv"), folder.join("out.csv"));
    std::fs::write(&input, table).unwrap();
    let mut command = upturn(["forecast", "demand", "--horizon", "3", "--freq", freq]);
    command.arg("--input").arg(input).arg("--output").arg(&output);
    let ended = run(command, "");
    let text = std::fs::read_to_string(output).unwrap_or_default();
    (ended, rows(&text))
}

fn rows(text: &str) -> Rows {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |at: usize| cells[at].parse::<f64>().unwrap();
        let key = (cells[0].to_owned(), cells[1].to_owned());
        (key, ([number(2), number(3), number(4), number(5)], cells[6].to_owned()))
    };
    text.lines().skip(1).map(row).collect()
}

/// Twenty ordinary items of 24 months up to December 2024.
fn shop() -> String {
    let mut table = "unique_id,ds,y\n".to_owned();
    for item in 0..20 {
        for month in 0..24 {
            let units = (item * 5 + month * 7) % 6 / 4 * (1 + item % 3);
            let (year, month) = (2023 + month / 12, month % 12 + 1);
            writeln!(table, "a{item:02},{year}-{month:02}-01,{units}").unwrap();
        }
    }
    table
}

#[test]
fn each_item_gets_its_periods_and_their_sum() {
    let folder = TempDir::new().unwrap();
    let (ended, rows) = demand(folder.path(), &shop(), "MS");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(rows.len(), 20 * 4);
    for day in ["2025-01-01", "2025-02-01", "2025-03-01", "sum"] {
        let ([mean, half, high, higher], mark) = &rows[&("a07".to_owned(), day.to_owned())];
        assert!(0.0 < *mean && half <= high && high <= higher, "{day}");
        assert_eq!(mark, "");
    }

    let (again, _) = demand(folder.path(), &shop(), "MS");
    assert_eq!(again.status.code(), Some(74), "a file that is there stays: {again:?}");
}

#[test]
fn a_wrong_item_is_left_out_and_a_strange_one_is_marked() {
    let strange = "\
b-enormous,2024-11-01,1000000000000\nb-enormous,2024-12-01,0
b-gap,2024-03-01,2\nb-gap,2024-12-01,1
b-late,2024-10-01,2\nb-late,2024-11-01,0
b-new,2024-12-01,4
b-zeros,2024-11-01,0\nb-zeros,2024-12-01,0
c-backwards,2024-12-01,1\nc-backwards,2024-11-01,1
c-endless,2024-12-01,inf
c-middle,2024-12-15,1
c-negative,2024-11-01,-1\nc-negative,2024-12-01,1
c-nothing,2024-12-01,
c-short,2024-12-01
c-word,2024-12-01,many
a03,2024-12-01,1
";
    let folder = TempDir::new().unwrap();
    let (ended, rows) = demand(folder.path(), &(shop() + strange), "MS");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let marks: Vec<(&str, &str)> = rows
        .iter()
        .filter(|((item, day), _)| item.starts_with('b') && day == "sum")
        .map(|((item, _), (_, mark))| (item.as_str(), mark.as_str()))
        .collect();
    let expected = [
        ("b-enormous", "short"),
        ("b-gap", "gaps"),
        ("b-late", "short ends-early"),
        ("b-new", "short"),
        ("b-zeros", "short no-demand"),
    ];
    assert_eq!(marks, expected);
    assert!(!rows.keys().any(|(item, _)| item.starts_with('c')), "{rows:?}");

    let said = String::from_utf8(ended.stderr).unwrap();
    for expected in [
        "line 492: c-backwards: no period begins on 2024-11-01 after 2024-12-01",
        "c-endless: 'inf' is no number of units",
        "c-middle: no month begins on 2024-12-15",
        "c-negative: -1 units are fewer than none",
        "c-nothing: '' is no number of units",
        "c-short: '' is no number of units",
        "c-word: 'many' is no number of units",
        "a03: an item of this name came before",
        "25 items forecast",
        "8 left out",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn what_is_no_table_is_refused() {
    let folder = TempDir::new().unwrap();
    let (ended, _) = demand(folder.path(), "item,ds,y\n", "D");
    assert_eq!(ended.status.code(), Some(65), "{ended:?}");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("no column is called unique_id"), "{said}");
    assert!(!folder.path().join("out.csv").exists());

    let mut command = upturn(["forecast", "demand", "--horizon", "0", "--freq", "7D"]);
    command.args(["--input", "none.csv", "--output", "-"]);
    assert_eq!(run(command, "").status.code(), Some(2));
}

fn win(folder: &Path, table: &str) -> (Output, String) {
    let (input, output) = (folder.join("deals.csv"), folder.join("chances.csv"));
    std::fs::write(&input, table).unwrap();
    let mut command = upturn(["forecast", "win", "--as-of", "2025-01-01", "--within", "30"]);
    command.args(["--numbers", "price"]).arg("--input").arg(input).arg("--output").arg(&output);
    let ended = run(command, "");
    (ended, std::fs::read_to_string(output).unwrap_or_default())
}

#[test]
fn open_deals_get_their_chance_by_what_became_of_others() {
    let mut table = "deal,on,outcome,documents,price\n".to_owned();
    // Each month forty deals are opened. With documents most are won after a week, else most are lost.
    for month in 1..=11 {
        for deal in 0..40 {
            let documents = if deal % 2 == 0 { "yes" } else { "no" };
            let is_won = (deal % 2 == 0) == (deal % 10 < 8);
            let outcome = if is_won { "won" } else { "lost" };
            writeln!(table, "D{month}-{deal},2024-{month:02}-01,,{documents},{deal}").unwrap();
            writeln!(
                table,
                "D{month}-{deal},2024-{:02}-10,{outcome},{documents},{deal}",
                month + 1
            )
            .unwrap();
        }
    }
    table.push_str("yes,2024-12-01,,yes,5\nno,2024-12-01,,no,5\n");
    let folder = TempDir::new().unwrap();
    let (ended, text) = win(folder.path(), &table);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0], ["deal", "probability", "signal", "n", "won"]);
    let chance = |deal: &str| {
        let row = rows.iter().find(|row| row[0] == deal).unwrap();
        assert_eq!(row[2], "deal", "{text}");
        row[1].parse::<f64>().unwrap()
    };
    assert!(chance("no") + 0.2 < chance("yes"), "{text}");
    assert_eq!(rows.len(), 3, "only what is open: {text}");

    let (ended, _) = win(folder.path(), "deal,on,outcome,price\nD1,2024-05-01,perhaps,3\n");
    assert_eq!(ended.status.code(), Some(65), "{ended:?}");
    let said = String::from_utf8(ended.stderr).unwrap();
    assert!(said.contains("line 2: 'perhaps' is no outcome"), "{said}");
}

#[test]
fn a_fact_that_helps_is_told_from_one_that_does_not() {
    let folder = TempDir::new().unwrap();
    let mut table = "lane,left_on,days,storm,full_moon\n".to_owned();
    for day in 0..90 {
        let on = format!("2025-{:02}-{:02}", day / 28 + 1, day % 28 + 1);
        let (storm, moon) = (day % 4 == 0, day % 7 == 3);
        for lane in 0..6 {
            let late = 2 + lane + (day * 5 + lane * 3) % 3 + if storm { 4 } else { 0 };
            let [storm, moon] = [storm, moon].map(|holds| if holds { "yes" } else { "no" });
            writeln!(table, "L{lane},{on},{late},{storm},{moon}").unwrap();
        }
    }
    let file = folder.path().join("lanes.csv");
    std::fs::write(&file, table).unwrap();
    let columns = ["--group", "lane", "--on", "left_on", "--value", "days", "--json"];
    let judge = |more: &[&str]| {
        let mut command = upturn(["forecast", "regressors"]);
        command.arg("--input").arg(&file).args(more);
        run(command, "")
    };
    let ended = judge(&columns);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let told: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(told["facts"]["storm"]["is_on"], true, "{told}");
    assert_eq!(told["facts"]["full_moon"]["is_on"], false, "{told}");
    assert!(1.0 < told["facts"]["storm"]["factors"][0].as_f64().unwrap(), "{told}");
    let ended = judge(&[]);
    assert_eq!(ended.status.code(), Some(65), "no such columns: {ended:?}");
    assert!(String::from_utf8_lossy(&ended.stderr).contains("--group"), "{ended:?}");
}
