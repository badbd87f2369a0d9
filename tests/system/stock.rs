//! `upturn stock`: advice from the tables of a folder, and single instances.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use upturn_tests::binary::{run, upturn};

fn ventilators() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/stock/ventilators")
}

/// Returns a copy of the ventilators' folder with some files' texts replaced or added.
fn changed(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(ventilators()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    for (file, text) in files {
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

fn advise(folder: &Path, as_of: &str) -> (Option<i32>, Value) {
    let input = folder.display().to_string();
    let output =
        run(upturn(["stock", "advise", "--json", "--as-of", as_of, "--input", &input]), "");
    let said = serde_json::from_slice(&output.stdout);
    (output.status.code(), said.unwrap_or_else(|error| json!({"unread": error.to_string()})))
}

fn problems(said: &Value) -> Vec<String> {
    let listed = said["problems"].as_array().unwrap().iter();
    let text = |problem: &Value| {
        let file = problem["file"].as_str().unwrap();
        format!("{file}:{}: {}", problem["line"], problem["problem"].as_str().unwrap())
    };
    listed.map(text).collect()
}

#[test]
fn the_sample_ships_eight_ventilators_by_the_make_up_workday() {
    let (code, said) = advise(&ventilators(), "2025-01-15");
    assert_eq!(code, Some(0), "{said}");
    let [advice] = said["advice"].as_array().unwrap().as_slice() else { panic!("{said}") };
    for (key, expected) in [
        ("item", json!("VENT-700")),
        ("quantity", json!(8)),
        ("from", json!("A")),
        ("to", json!("B")),
        ("latest_ship_on", json!("2025-01-26")),
        ("next_arrival_on", json!("2025-02-06")),
        ("marks", json!([])),
    ] {
        assert_eq!(advice[key], expected, "{key}");
    }
    let dates = |lane: &Value| {
        ["lane", "latest_ship_on", "next_arrival_on"]
            .map(|key| lane[key].as_str().unwrap().to_owned())
    };
    let lanes: Vec<_> = advice["lanes"].as_array().unwrap().iter().map(dates).collect();
    let expected = [
        ["one-day", "2025-01-26", "2025-02-06"],
        ["same-day", "2025-01-27", "2025-02-05"],
        ["two-day", "2025-01-24", "2025-02-07"],
        ["last-pickup", "2025-01-20", "2025-02-07"],
    ];
    assert_eq!(lanes, expected);
    assert_eq!(
        advice["if_shipped"],
        json!({"short": "1.2744", "idle": "1.0784", "cost": "2990.00"})
    );
    assert_eq!(advice["if_missed"], json!({"short": "8.196", "idle": "0", "cost": "12294.00"}));
    assert_eq!(advice["data"]["stock_age_days"], 1);
    for reason in advice["reasons"].as_array().unwrap() {
        assert!(reason["en"].is_string() && reason["zh"].is_string(), "{reason}");
    }
}

#[test]
fn people_read_it_in_their_language() {
    let input = ventilators().display().to_string();
    for (language, expected) in [
        ("en", "ship 8 VENT-700 from A to B by 2025-01-26"),
        ("zh", "最迟 2025-01-26 从 A 向 B 调拨 8 件 VENT-700"),
    ] {
        let arguments = ["stock", "advise", "--as-of", "2025-01-15", "--language", language];
        let output = run(upturn(arguments.iter().chain(&["--input", &input])), "");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.starts_with(expected), "{said}");
        assert!(said.contains("2.139") && said.contains("0.464"), "{said}");
    }
}

#[test]
fn wrong_rows_are_named_and_the_rest_goes_on() {
    let items = "item,service,pack,replaced_by\nVENT-700,0.6,1,\nLOOP-1,0.9,1,LOOP-2\nLOOP-2,0.9,1,LOOP-1\n\
                 NONE,,1,\nODD,0.95,1,\n";
    let stock = "item,place,on_hand,on_order,reserved,counted_on\nVENT-700,A,20,0,0,2025-01-14\n\
                 VENT-700,B,0,0,0,2025-01-14\nODD,B,-3,0,0,2025-01-14\nODD,Z,3,0,0,2025-01-14\n\
                 ODD,A,1000000000000,0,0,2025-01-14\n";
    let deals = "deal,item,place,units,probability,needed_from\nT-1,VENT-700,B,4,68.3%,2025-01-28\n\
                 T-2,VENT-700,B,4,68.3%,2025-01-28\nT-3,VENT-700,B,4,0.683,2025-01-28\n\
                 T-4,ODD,B,4,1.2,2025-01-28\nT-5,VENT-700,B,4,0.9,2025-01-03\n";
    let demand =
        "item,place,from,to,units\nODD,A,2024-11-01,2024-11-30,-4\nODD,A,2024-12-31,2024-12-01,1\n";
    let lanes = "lane,from,to,carrier_calendar,transit_days\none-day,A,B,workdays,1\nlost,A,Z,workdays,1\n\
                 odd,A,B,lunar,1\nsum,A,B,workdays,1:0.5\n";
    let files = [
        ("items.csv", items),
        ("stock.csv", stock),
        ("deals.csv", deals),
        ("demand.csv", demand),
        ("lanes.csv", lanes),
    ];
    let folder = changed(&files);
    let (code, said) = advise(folder.path(), "2025-01-15");
    assert_eq!(code, Some(1), "{said}");
    let expected = [
        "lanes.csv:3: place 'Z' is not in places.csv",
        "lanes.csv:4: calendar 'lunar' is not in calendars.csv",
        "lanes.csv:5: the shares of the days of transit add up to 0.5",
        "items.csv:5: nothing says how much stock is worth having",
        "items.csv:3: replaced_by 'LOOP-2' leads back here, a cycle",
        "items.csv:4: replaced_by 'LOOP-1' leads back here, a cycle",
        "stock.csv:4: on_hand is -3, below 0",
        "stock.csv:5: place 'Z' is not in places.csv",
        "stock.csv:6: on_hand is 1000000000000, more than",
        "deals.csv:5: probability is '1.2'",
        "deals.csv:6: its days ended on 2025-01-03",
        "demand.csv:2: units is -4, below 0",
        "demand.csv:3: to is 2024-12-01, before from",
    ];
    let found = problems(&said);
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
    let advice: Vec<_> = said["advice"].as_array().unwrap().iter().map(|a| &a["key"]).collect();
    assert_eq!(advice, ["VENT-700/B/A/2025-01-28"], "{said}");
    assert_eq!(said["advice"][0]["quantity"], 8);
}

#[test]
fn a_cycle_of_lanes_is_named_and_the_rest_goes_on() {
    let places = "place,calendar\nA,workdays\nB,workdays\nC,workdays\nD,workdays\n";
    let lanes = "lane,from,to,carrier_calendar,transit_days\none-day,A,B,workdays,1\n\
                 there,C,D,workdays,1\nback,D,C,workdays,1\n";
    let stock = "item,place,on_hand,on_order,reserved,counted_on\nVENT-700,A,20,0,0,2025-01-14\n\
                 VENT-700,B,0,0,0,2025-01-14\nVENT-700,C,0,0,0,2025-01-14\n\
                 VENT-700,D,1,0,0,2025-01-14\n";
    let deals = "deal,item,place,units,probability,needed_from\nT-1,VENT-700,B,4,0.9,2025-01-28\n\
                 T-2,VENT-700,C,3,0.9,2025-01-24\n";
    let files =
        [("places.csv", places), ("lanes.csv", lanes), ("stock.csv", stock), ("deals.csv", deals)];
    let (code, said) = advise(changed(&files).path(), "2025-01-15");
    assert_eq!(code, Some(1), "{said}");
    let found = problems(&said);
    assert!(
        found.len() == 1 && found[0].starts_with("lanes.csv:3: a cycle: C -> D -> C; "),
        "{found:?}"
    );
    let advice = said["advice"].as_array().unwrap().iter();
    let told: Vec<_> = advice.map(|one| (&one["to"], &one["quantity"], &one["marks"])).collect();
    // B is advised as ever; C gets what D has, and is told that nothing else can come.
    assert_eq!(
        told,
        [
            (&json!("B"), &json!(4), &json!([])),
            (&json!("C"), &json!(1), &json!(["lane-cycle", "shortfall"])),
        ],
        "{said:#}"
    );
    let reasons = said["advice"][1]["reasons"].as_array().unwrap();
    let of_cycle = reasons.iter().find(|reason| reason["code"] == "lane-cycle").unwrap();
    for language in ["en", "zh"] {
        assert!(of_cycle[language].as_str().unwrap().contains("C -> D -> C"), "{of_cycle}");
    }
}

#[test]
fn what_is_firmed_is_counted_and_never_moved() {
    let firmed = "item,from,to,quantity,ship_on\nVENT-700,A,B,5,2025-01-20\n";
    let folder = changed(&[("firmed.csv", firmed)]);
    let (code, said) = advise(folder.path(), "2025-01-15");
    assert_eq!(code, Some(0), "{said}");
    let row = json!({"item": "VENT-700", "from": "A", "to": "B", "quantity": 5,
        "ship_on": "2025-01-20"});
    assert_eq!(said["firmed"], json!([row]));
    assert_eq!(said["advice"][0]["quantity"], 3);
    let enough = firmed.replace(",5,", ",8,");
    let (_, said) = advise(changed(&[("firmed.csv", &enough)]).path(), "2025-01-15");
    let left = said["advice"].as_array().unwrap().iter().map(|a| &a["latest_ship_on"]);
    // Only the tender after the festival is left.
    assert!(left.clone().all(|day| "2025-02-05" <= day.as_str().unwrap()), "{said}");
}

#[test]
fn holidays_that_are_not_announced_are_marked() {
    let calendars = "calendar,entry,from,to,value\nworkdays,zone,,,Asia/Shanghai\n\
                     workdays,week,,,mon tue wed thu fri\nworkdays,announced,,2024-12-31,\n";
    let (code, said) = advise(changed(&[("calendars.csv", calendars)]).path(), "2025-01-15");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said["advice"][0]["marks"], json!(["calendar-not-announced"]));
}

#[test]
fn a_folder_that_is_no_setting_ends_with_a_code() {
    let gone = changed(&[]);
    std::fs::remove_file(gone.path().join("lanes.csv")).unwrap();
    let header = changed(&[("stock.csv", "item,place,amount\n")]);
    let cases = [
        (Path::new("/nowhere"), 66, "there is no folder"),
        (gone.path(), 66, "there is no lanes.csv"),
        (header.path(), 65, "unknown column 'amount'"),
    ];
    for (folder, code, expected) in cases {
        let input = folder.display().to_string();
        let output = run(upturn(["stock", "advise", "--input", &input]), "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "case: {expected}: {said}");
        assert!(said.contains(expected), "case: {expected}: {said}");
    }
}

#[test]
fn instances_are_solved_and_compared() {
    let good = json!({"id": "good", "kind": "eoq", "expected": {"order_quantity": 100.0},
        "input": {"fixed_cost": 10, "holding_cost": 2, "demand_rate": 1000}});
    let mut off = good.clone();
    off["expected"]["order_quantity"] = json!(101.0);
    let odd = json!({"id": "odd", "kind": "magic", "input": {}});
    let solve = |input: &Value| {
        run(upturn(["stock", "solve", "--json", "--input", "-"]), &input.to_string())
    };
    let output = solve(&json!([good]));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = solve(&json!([odd, off, good]));
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let told: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(told[0]["error"].as_str().unwrap().contains("unknown variant `magic`"));
    assert_eq!(told[1]["is_as_expected"], false);
    assert_eq!(told[2]["result"]["cost"], 200.0);
    let output = run(upturn(["stock", "solve", "--input", "-"]), "no json");
    assert_eq!(output.status.code(), Some(65), "{output:?}");
}

#[test]
fn what_is_being_made_counts_from_its_day_on() {
    let coming = "item,place,on,units\nVENT-700,B,2025-01-27,5\nVENT-700,B,2025-01-03,5\n";
    let (code, said) = advise(changed(&[("coming.csv", coming)]).path(), "2025-01-15");
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(
        problems(&said),
        ["coming.csv:3: on is 2025-01-03, which has passed; count it or move it"]
    );
    assert_eq!(said["advice"][0]["quantity"], 3, "{said}");
}

const ITEMS: &str = "item,service\nVENT-700,0.6\nBOARD,0.95\n";
const BOARDS: &str = "item,place,on_hand,counted_on\nVENT-700,A,20,2025-01-14\n\
                      VENT-700,B,0,2025-01-14\nBOARD,A,50,2025-01-14\nBOARD,B,1,2025-01-14\n";
const FAILURES: &str = "model,fault,part,share,per_year,lag_days\nX7,overcurrent,BOARD,0.5,1.2,4\n";

#[test]
fn failures_of_installed_devices_are_demand() {
    let files = [
        ("items.csv", ITEMS),
        ("stock.csv", BOARDS),
        ("failures.csv", FAILURES),
        ("installed.csv", "model,place,devices\nX7,B,60\nX7,A,5\nZ,B,9\n"),
        (
            "faults.csv",
            "model,fault,place,failed_on\nX7,overcurrent,B,2025-01-10\n\
             X7,overcurrent,B,2025-01-14\nX7,smoke,B,2025-01-14\n",
        ),
    ];
    let (code, said) = advise(changed(&files).path(), "2025-01-15");
    assert_eq!(code, Some(1), "{said}");
    let found = problems(&said);
    assert_eq!(found, ["faults.csv:4: failures.csv has no 'smoke' of 'X7'; it counts nothing"]);
    let advice = said["advice"].as_array().unwrap();
    let board = advice.iter().find(|one| one["item"] == "BOARD").unwrap();
    assert_eq!((&board["from"], &board["to"]), (&json!("A"), &json!("B")));
    let reasons = board["reasons"].as_array().unwrap().iter();
    let why = reasons.clone().find(|reason| reason["code"] == "failures").unwrap();
    let expected = "failures of installed devices (60): 2.9569 parts in 30 days are expected";
    assert!(why["en"].as_str().unwrap().starts_with(expected), "{why}");
    assert!(why["en"].as_str().unwrap().ends_with(": 2"), "{why}");
    // Two known failures that need one of two times, and those of the days after their lag.
    let missed = board["if_missed"]["short"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(0.3 < missed && missed < 4.0, "{board}");
    // Without devices and failures nothing is needed.
    let none = [("items.csv", ITEMS), ("stock.csv", BOARDS), ("failures.csv", FAILURES)];
    let (code, said) = advise(changed(&none).path(), "2025-01-15");
    assert_eq!(code, Some(0), "{said}");
    assert!(said["advice"].as_array().unwrap().iter().all(|one| one["item"] != "BOARD"), "{said}");
}

#[test]
fn the_table_of_failures_is_learnt_from_work_orders_and_leaves_what_people_wrote() {
    let row = |order| {
        let part = if order < 6 { "BOARD,2024-07-05" } else { "," };
        format!("w{order},X7,overcurrent,2024-07-01,{part}\n")
    };
    let mut orders = "order,model,fault,failed_on,part,used_on\n".to_owned();
    orders.extend((0..8).map(row));
    orders.push_str("w9,X7,noise,2024-09-01,FAN,2024-09-03\nw10,X7,noise,2026-01-01,,\n");
    // Before the first day: it counts neither as a failure nor in a share.
    orders.push_str("w11,X7,overcurrent,2023-12-31,BOARD,2024-01-05\n");
    let table = "model,fault,part,share,per_year,by\nX7,noise,FAN,0.4,0.1,\nX7,overcurrent,BOARD,0.9,9,learnt\n";
    let installed = "model,place,devices\nX7,B,10\nX7,A,10\n";
    let files =
        [("work_orders.csv", &*orders), ("failures.csv", table), ("installed.csv", installed)];
    let folder = changed(&files);
    let input = folder.path().display().to_string();
    let arguments =
        ["stock", "learn", "--as-of", "2025-01-01", "--since", "2024-01-01", "--input", &input];
    let output = run(upturn(arguments), "");
    let (said, noted) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert_eq!(output.status.code(), Some(1), "{noted}");
    assert!(noted.contains("failed_on is 2026-01-01, which is still to come"), "{noted}");
    assert!(
        noted.contains("kept: noise of X7 needs FAN: share 0.4; 1 orders say 1.0000"),
        "{noted}"
    );
    let expected = "model,fault,part,share,per_year,lag_days,n,share_low,share_high,by\n\
                    X7,noise,FAN,0.4,0.1,,,,,\n\
                    X7,overcurrent,BOARD,0.7500,0.3992,4,8,0.4602,0.9135,learnt\n";
    assert_eq!(said, expected);
    // What it proposes is what advice reads.
    let learnt = [
        ("items.csv", "item,service\nVENT-700,0.6\nBOARD,0.95\nFAN,0.9\n"),
        ("failures.csv", &*said),
        ("installed.csv", installed),
    ];
    let (code, said) = advise(changed(&learnt).path(), "2025-01-15");
    assert_eq!(code, Some(0), "{said}");
    let advised = said["advice"].as_array().unwrap();
    assert!(advised.iter().any(|one| one["item"] == "BOARD"), "{said}");
    let output = run(upturn(arguments.iter().chain(&["--toml"])), "");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("share = \"0.4\"\nlag_days = 0\nper_year = \"0.1\""), "{said}");
    assert!(said.contains("[[failure]]\nmodel = \"X7\"\nfault = \"overcurrent\"\npart = \"BOARD\"\nshare = \"0.75\"\nlag_days = 4"), "{said}");
}

#[test]
fn a_depot_and_its_bases_keep_what_is_found_for_all_of_them() {
    let head = "network,item,depot,base,missing_max,service\n";
    let demand = "item,place,from,to,units\nVENT-700,B,2024-10-01,2024-10-31,3\n\
        VENT-700,B,2024-11-01,2024-11-30,2\nVENT-700,B,2024-12-01,2024-12-31,4\n";
    let lanes =
        "lane,from,to,carrier_calendar,transit_days\nvan,A,B,workdays,1\nsea,M,A,workdays,9\n";
    let places =
        "place,calendar,kind,review_days\nA,workdays,,1\nB,workdays,,1\nM,workdays,supplier,1\n";
    let stock = "item,place,on_hand,counted_on\nVENT-700,A,1,2025-03-01\nVENT-700,B,0,2025-03-01\n";
    let planned = |rows: &str| {
        let networks = format!("{head}{rows}");
        let files = [
            ("networks.csv", &*networks),
            ("demand.csv", demand),
            ("lanes.csv", lanes),
            ("places.csv", places),
            ("stock.csv", stock),
            ("deals.csv", "deal,item,place,units,probability,needed_from,needed_to\n"),
        ];
        advise(changed(&files).path(), "2025-03-03")
    };
    let (code, said) = planned("spares,VENT-700,A,B,0.0001,\n");
    assert_eq!(code, Some(0), "{said}");
    let advised = said["advice"].as_array().unwrap();
    let ways: Vec<_> = advised.iter().map(|one| (&one["from"], &one["to"])).collect();
    assert!(ways.contains(&(&"M".into(), &"A".into())), "the depot orders for its base: {said}");
    assert!(ways.contains(&(&"A".into(), &"B".into())), "and gives what it keeps: {said}");
    let told = advised.iter().flat_map(|one| one["reasons"].as_array().unwrap());
    let told: Vec<_> = told.filter(|reason| reason["code"] == "level").collect();
    assert_eq!(told.len(), advised.len(), "{said}");
    assert!(told[0]["en"].as_str().unwrap().contains("the network spares keeps"), "{said}");
    let wrong = [
        ("spares,VENT-700,A,M,0.1,\n", "base is a supplier"),
        ("spares,VENT-700,A,A,0.1,\n", "base is the depot"),
        ("spares,VENT-700,B,A,0.1,\n", "leads from a supplier to the depot"),
        ("spares,VENT-700,A,B,0.1,0.9\n", "give missing_max, or service"),
        ("spares,VENT-9,A,B,0.1,\n", "'VENT-9' is not in items.csv"),
        (
            "spares,VENT-700,A,B,0.1,\nothers,VENT-700,A,B,0.1,\n",
            "keeps the item for network 'spares' already",
        ),
    ];
    for (rows, expected) in wrong {
        let (code, said) = planned(rows);
        let told = problems(&said);
        assert_eq!(code, Some(1), "{rows}: {said}");
        assert!(told.iter().any(|line| line.contains(expected)), "{rows}: {told:?}");
    }
}
