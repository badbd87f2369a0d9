//! Advice on stock reaches those who act on it: records in, a letter out, once for each piece.

use std::path::Path;

use chrono::NaiveDate;
use serde_json::{Value, json};
use upturn_tests::binary::{run, wait_for};
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, each_database};
use upturn_tests::source::Source;
use upturn_tests::stranger::{Stranger, answer};

/// The sample, as an exercise for a day before the festival.
pub(crate) fn stocking() -> String {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/stock/stocking.toml");
    let sample = std::fs::read_to_string(sample).unwrap();
    sample.replacen("ahead_days", "as_of = \"2025-01-15T08:00:00+08:00\"\nahead_days", 1)
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Adds the stocking document, and a route for advice to `stranger`.
fn configure(site: &Site, stranger: &Stranger, stocking: &str) {
    let folder = site.folder.path();
    write(&folder.join("stocking.toml"), stocking);
    write(&folder.join("key"), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    write(&folder.join("address"), &format!("http://127.0.0.1:{}/hook", stranger.port));
    let destination = format!(
        "id = \"depot\"\nkind = \"webhook\"\ntitle = {{ en = \"Depot\" }}\n[settings]\n\
         secret_files = [\"{}\"]\nurl_file = \"{}\"\n",
        folder.join("key").display(),
        folder.join("address").display()
    );
    write(&folder.join("delivery/destinations/depot.toml"), &destination);
    let route = "id = \"advice\"\non = [\"advice-created\", \"advice-superseded\"]\nto = \"depot\"\n\
                 hold = \"1ms\"\n";
    write(&folder.join("delivery/routes/advice.toml"), route);
    site.configure(&format!(
        "[delivery]\ndir = \"{}\"\n[http]\nallow_private = [\"127.0.0.1\"]\n\
         [stock]\ndocument = \"{}\"\n",
        folder.join("delivery").display(),
        folder.join("stocking.toml").display()
    ));
}

pub(crate) fn import(site: &Site, kind: &str, table: &str) {
    let file = site.folder.path().join(format!("{kind}.csv"));
    std::fs::write(&file, table).unwrap();
    let mut command = site.command(["records", "import", kind]);
    command.arg(&file);
    let taken = run(command, "");
    assert!(taken.status.success(), "{kind}: {taken:?}");
}

/// Three tenders for four ventilators each at B; twenty stand at A, and `at_b` at B.
fn stock(at_b: u32) -> String {
    format!(
        "product,place,on_hand,reserved,counted_at\nVENT-700,A,20,0,2025-01-14T10:00:00Z\n\
         VENT-700,B,{at_b},0,2025-01-14T10:00:00Z\n"
    )
}

/// Returns the only piece that is open, once it replaces another one or none, as `replaces` says.
fn standing(site: &Site, replaces: &Value) -> Value {
    wait_for("the plan", || {
        let listed = http::json(site.web, "/api/v1/advice?state=open");
        let [one] = listed["advice"].as_array()?.as_slice() else { return None };
        (one["replaces"] == *replaces).then(|| one.clone())
    })
}

/// Returns what the receiver was told, once it was told `count` times.
fn told(site: &Site, stranger: &Stranger, count: usize) -> Vec<Value> {
    wait_for("the letters' arrival", || {
        let letters = http::json(site.web, "/api/v1/letters");
        let letters = letters["letters"].as_array()?;
        let sent = letters.iter().filter(|letter| letter["state"] == "sent").count();
        (count <= sent).then_some(())
    });
    let bodies = stranger.asked().into_iter();
    bodies.map(|asked| serde_json::from_str(&asked.body).unwrap()).collect()
}

#[test]
fn a_piece_is_told_once_and_so_is_what_takes_its_place() {
    each_database(|database| {
        let depot = Stranger::http(|_| answer("200 OK", "application/json", "{}"));
        let mut site = Site::install(&Plan { database, ..Plan::default() });
        configure(&site, &depot, &stocking());
        import(&site, "account", "id,name\nclinic,Clinic\n");
        import(&site, "product", "id,name\nVENT-700,Ventilator\n");
        import(&site, "stock", &stock(0));
        let tender = |id| format!("{id},clinic,tender,2024-12-01,VENT-700,4,0.683,2025-01-28,B\n");
        let tenders = ["T-1", "T-2", "T-3"].map(tender).concat();
        let columns = "id,account,stage,opened_on,product,quantity,probability,expected_on,place";
        import(&site, "deal", &format!("{columns}\n{tenders}"));
        site.start_again();
        let first = standing(&site, &Value::Null);
        assert_eq!(told(&site, &depot, 1).len(), 1);

        // Somebody brought four to B: four are enough.
        import(&site, "stock", &stock(4));
        let second = standing(&site, &first["id"]);
        let letters = told(&site, &depot, 2);
        for (letter, (kind, advice, quantity)) in
            letters.iter().zip([("advice.created", &first, 8), ("advice.superseded", &second, 4)])
        {
            assert_eq!(letter["type"], kind, "{letter:#}");
            let data = &letter["data"];
            assert_eq!((&data["advice"], &data["quantity"]), (&advice["id"], &json!(quantity)));
            let way = ["product", "from", "to", "ship_on", "owner"].map(|key| data[key].clone());
            assert_eq!(way, ["VENT-700", "A", "B", "2025-01-26", "pool:logistics"], "{letter:#}");
        }
        let about = |letter: &Value| letter["data"]["subject"].clone();
        assert_eq!(about(&letters[0]), about(&letters[1]), "of the same need");

        // Planned again by a program that knows nothing of it, there is nothing to tell.
        let planned_at = |site: &Site| http::json(site.web, "/api/v1/advice")["plan"].clone();
        let before = planned_at(&site)["planned_at"].clone();
        site.stop();
        site.start_again();
        wait_for("another plan", || (planned_at(&site)["planned_at"] != before).then_some(()));
        let letters = http::json(site.web, "/api/v1/letters")["letters"].clone();
        assert_eq!((letters.as_array().unwrap().len(), depot.asked().len()), (2, 2), "{letters}");
    });
}

/// Returns China's Spring Festival of 2020 as holiday-cn tells it, with the window up to `last` of the days
/// from 24 January, and its make-up workdays.
fn festival(last: u32, work: &[&str]) -> String {
    let day = |on: String, is_off: bool| json!({"name": "春节", "date": on, "isOffDay": is_off});
    let first = NaiveDate::from_ymd_opt(2020, 1, 24).unwrap();
    let off = first.iter_days().take(usize::try_from(last).unwrap());
    let off = off.map(|on| day(on.to_string(), true));
    let mut days: Vec<_> = off.chain(work.iter().map(|on| day((*on).to_owned(), false))).collect();
    days.sort_by_key(|day| day["date"].to_string());
    json!({"year": 2020, "papers": [format!("a notice of {last} days")], "days": days}).to_string()
}

/// The sample on 22 January 2020, with the days that a feed tells.
fn stocking_of_2020() -> String {
    let text = stocking().replacen("2025-01-15T08:00:00", "2020-01-22T08:00:00", 1);
    let (head, rest) = text.split_once("revision = ").unwrap();
    let (_, tail) = rest.split_once("# Instead of days").unwrap();
    format!("{head}region = \"CN\"\n# {tail}")
}

#[test]
fn a_window_that_is_extended_while_it_runs_takes_the_place_of_advice_made_before() {
    each_database(|database| {
        let depot = Stranger::http(|_| answer("200 OK", "application/json", "{}"));
        let notices = Source::start(festival(7, &["2020-01-19", "2020-02-01"]));
        let mut site = Site::install(&Plan { database, ..Plan::default() });
        let feeds = site.folder.path().join("feeds");
        let feed = format!(
            "id = \"festival\"\nkind = \"holiday-cn\"\ntitle = {{ en = \"Days\" }}\n\
             configured_by = \"ana\"\nschedule = \"0 3 1 * *\"\njitter = \"0s\"\n\
             [source]\naddress = \"http://127.0.0.1:{}/2020.json\"\n",
            notices.port
        );
        write(&feeds.join("festival.toml"), &feed);
        configure(&site, &depot, &stocking_of_2020());
        site.configure(&format!("[feeds]\ndir = \"{}\"\n", feeds.display()));
        import(&site, "account", "id,name\nclinic,Clinic\n");
        import(&site, "product", "id,name\nVENT-700,Ventilator\n");
        let counted = "2020-01-21T10:00:00Z";
        let stock = format!(
            "product,place,on_hand,reserved,counted_at\nVENT-700,A,20,0,{counted}\n\
             VENT-700,B,0,0,{counted}\n"
        );
        import(&site, "stock", &stock);
        let columns = "id,account,stage,opened_on,product,quantity,probability,expected_on,place";
        let tender = "T-1,clinic,tender,2019-12-01,VENT-700,4,0.9,2020-01-31,B\n";
        import(&site, "deal", &format!("{columns}\n{tender}"));
        site.start_again();
        let first = standing(&site, &Value::Null);
        assert_eq!(
            first["plan"]["latest_ship_on"], "2020-01-31",
            "the day before the make-up workday: {first:#}"
        );

        // The window runs to 2 February now, and nobody makes up for anything.
        notices.says(festival(10, &["2020-01-19"]));
        let (status, _) = http::post(site.web, "/api/v1/feeds/festival/run", &json!({})).unwrap();
        assert_eq!(status, 200);
        let second = standing(&site, &first["id"]);
        assert_eq!(second["plan"]["latest_ship_on"], "2020-01-22", "{second:#}");
        let letters = told(&site, &depot, 2);
        let kinds: Vec<_> = letters.iter().map(|letter| letter["type"].clone()).collect();
        assert_eq!(kinds, ["advice.created", "advice.superseded"]);
        let all = http::json(site.web, "/api/v1/advice?state=superseded");
        assert_eq!(all["advice"].as_array().unwrap().len(), 1, "{all:#}");

        // Operations know that who brings it stops a day earlier.
        let wider = "widen = [{ window = \"春节\", before = 1 }]\nregion = \"CN\"";
        let stocking = stocking_of_2020().replacen("region = \"CN\"", wider, 1);
        write(&site.folder.path().join("stocking.toml"), &stocking);
        let third = standing(&site, &second["id"]);
        assert_eq!(third["plan"]["arrives_on"], "2020-02-04", "{third:#}");
    });
}
