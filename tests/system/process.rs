//! Processes of deals from elsewhere: tables that are judged by a process, and funnels that drop.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;
use upturn_tests::binary::{run, upturn};
use upturn_tests::shared;

/// A process as most other systems have one: three stages without requirements.
const PROCESS: &str = "id = \"sale\"\nkind = \"process\"\ntitle = { en = \"Sale\" }\n\
    [[stage]]\nid = \"lead\"\ntitle = { en = \"Lead\" }\n\
    [[stage]]\nid = \"engaged\"\ntitle = { en = \"Engaged\" }\n\
    [[stage]]\nid = \"won\"\ntitle = { en = \"Won\" }\n";

fn process(folder: &Path, arguments: &[&str]) -> (Output, Value) {
    let document = folder.join("process.toml");
    std::fs::write(&document, PROCESS).unwrap();
    let mut command = upturn(["process"]);
    command.args(arguments).arg("--json");
    if arguments[0] != "funnel" {
        command.arg("--process").arg(&document);
    }
    let ended = run(command, "");
    let told = serde_json::from_slice(&ended.stdout).unwrap_or(Value::Null);
    (ended, told)
}

#[test]
fn a_table_is_judged_by_a_process() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("deals.csv");
    let rows = "id,owner,began,met,closed,state\n\
        d1,lin,2025-01-06,2025-01-08,2025-02-03,Won\n\
        d2,mei,2025-01-07,,2025-01-09,Won\n\
        d3,mei,2025-01-07,2025-01-20,2025-02-20,Lost\n\
        d4,mei,,,,\n";
    std::fs::write(&table, rows).unwrap();
    let table = table.to_str().unwrap();
    let columns = [
        "--deals",
        table,
        "--begin",
        "began",
        "--enter",
        "engaged=met",
        "--enter",
        "won=closed:state=Won",
    ];
    let with = |verb: &'static str| [&[verb], &columns[..]].concat();
    let (ended, told) = process(folder.path(), &with("report"));
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!((&told["all"]["deals"], &told["all"]["jumps"]), (&3.into(), &1.into()));
    assert_eq!(told["all"]["compliance_bp"], 6_666);
    assert_eq!(told["months"][0]["month"], "2025-01");
    assert_eq!(told["all"]["dwell"][1]["stage"], "lead");
    assert_eq!(told["all"]["dwell"][1]["longest"], serde_json::json!(["d3", 312]));

    let (_, told) = process(folder.path(), &with("check-up"));
    let weakest = told["weakest"].as_array().unwrap();
    assert_eq!(weakest.len(), 1, "{told}");
    assert_eq!((&weakest[0]["kind"], &weakest[0]["at"]), (&"seller".into(), &"mei".into()));
    assert_eq!(weakest[0]["evidence"], serde_json::json!(["d2"]));
    let (_, told) = process(folder.path(), &[&with("scan")[..], &["--seed", "7"]].concat());
    let (_, again) = process(folder.path(), &[&with("scan")[..], &["--seed", "7"]].concat());
    assert_eq!(told, again);
    assert_eq!(told["deals"].as_array().unwrap().len(), 3);
    assert_eq!(told["deals"][1]["steps"][0]["is_broken"], true);

    let wrong = process(folder.path(), &["report", "--deals", table, "--begin", "start"]);
    assert_eq!(wrong.0.status.code(), Some(65), "{wrong:?}");
    let said = String::from_utf8_lossy(&wrong.0.stderr).into_owned();
    assert!(said.contains("line 2: there is no column 'start'; there are began, closed"), "{said}");
}

#[test]
fn a_funnel_that_drops_says_since_when() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("deals.csv");
    let mut rows = "id,decided,state\n".to_owned();
    for week in 0..24_u32 {
        let day = chrono::NaiveDate::from_ymd_opt(2024, 1, 1).unwrap()
            + chrono::Days::new(u64::from(week) * 7);
        for deal in 0..30_u32 {
            let won = deal < if week < 20 { 12 } else { 2 };
            writeln!(rows, "{week}-{deal},{day},{}", if won { "Won" } else { "Lost" }).unwrap();
        }
    }
    std::fs::write(&table, rows).unwrap();
    let arguments = [
        "funnel",
        "--deals",
        table.to_str().unwrap(),
        "--decided",
        "decided",
        "--passed",
        "state=Won",
    ];
    let (ended, told) = process(folder.path(), &arguments);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert_eq!((&told["weeks"], &told["drop"]["since"]), (&24.into(), &"2024-05-20".into()));
}

#[test]
fn opportunities_and_leads_of_others_are_reported_on() {
    let Some(folder) = shared::find("data/forecast") else { return };
    let scratch = TempDir::new().unwrap();
    let deals = folder.join("crm_opportunities.csv");
    let leads = folder.join("olist_funnel.csv");
    let (deals, leads) = (deals.to_str().unwrap(), leads.to_str().unwrap());
    let of_deals = [
        "report",
        "--deals",
        deals,
        "--id",
        "opportunity_id",
        "--seller",
        "sales_agent",
        "--begin",
        "engage_date",
        "--enter",
        "engaged=engage_date",
        "--enter",
        "won=close_date:deal_stage=Won",
    ];
    let (ended, told) = process(scratch.path(), &of_deals);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    // All but those that are prospects still, who have no day.
    assert_eq!(told["all"]["deals"], 8_300);
    assert_eq!(told["all"]["compliance_bp"], 10_000);
    let of_leads = [
        "report",
        "--deals",
        leads,
        "--id",
        "mql_id",
        "--seller",
        "sr_id",
        "--begin",
        "first_contact_date",
        "--enter",
        "won=won_date",
    ];
    let (ended, told) = process(scratch.path(), &of_leads);
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(told["all"]["deals"], 8_000);
    // They tell of no stage between, so each that was won went past one; of one the day is before the first.
    assert_eq!(told["all"]["jumps"], 841);
    assert_eq!(told["all"]["breaches"]["back-dated"], 1);
}

#[test]
fn opportunities_and_leads_of_others_are_looked_through_for_drops() {
    let Some(folder) = shared::find("data/forecast") else { return };
    let scratch = TempDir::new().unwrap();
    let deals = folder.join("crm_opportunities.csv");
    let leads = folder.join("olist_funnel.csv");
    let (deals, leads) = (deals.to_str().unwrap(), leads.to_str().unwrap());
    let funnel =
        ["funnel", "--deals", deals, "--decided", "close_date", "--passed", "deal_stage=Won"];
    let (ended, told) = process(scratch.path(), &funnel);
    assert!(ended.status.code().is_some_and(|code| code < 2), "{ended:?}");
    assert!(told["weeks"].as_u64().is_some_and(|weeks| 40 <= weeks), "{told}");
    let funnel = [
        "funnel",
        "--deals",
        leads,
        "--decided",
        "first_contact_date",
        "--passed",
        "won_date",
        "--within",
        "60",
    ];
    let (ended, told) = process(scratch.path(), &funnel);
    assert!(ended.status.code().is_some_and(|code| code < 2), "{ended:?}");
    assert!(told["weeks"].as_u64().is_some_and(|weeks| 40 <= weeks), "{told}");
}
