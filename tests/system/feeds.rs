//! Feeds: documents of a real server become facts in force, or are held for a person.

use chrono::{NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use upturn_tests::binary::{run, wait_for};
use upturn_tests::http;
use upturn_tests::site::{Database, Plan, Site, each_database};
use upturn_tests::source::Source;

#[expect(clippy::disallowed_methods, reason = "the program under test reads the machine's clock")]
fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// Returns rates as the ECB publishes them, of a day some days back.
fn rates(days_back: i64, yuan: &str) -> String {
    let day = today() - TimeDelta::days(days_back);
    format!(
        "<gesmes:Envelope xmlns:gesmes=\"http://www.gesmes.org/xml/2002-08-01\" \
         xmlns=\"http://www.ecb.int/vocabulary/2002-08-01/eurofxref\"><Cube><Cube time=\"{day}\">\
         <Cube currency=\"USD\" rate=\"1.0526\"/><Cube currency=\"CNY\" rate=\"{yuan}\"/>\
         </Cube></Cube></gesmes:Envelope>"
    )
}

/// Adds the feed to an installation that does not run yet. Its slot is the first of the month.
fn with_feed(site: &Site, source: &Source) {
    let folder = site.folder.path();
    std::fs::create_dir(folder.join("feeds")).unwrap();
    let document = format!(
        "id = \"ecb\"\nkind = \"ecb\"\ntitle = {{ en = \"Reference rates\" }}\n\
         configured_by = \"{}\"\nschedule = \"0 3 1 * *\"\njitter = \"0s\"\n\
         [limits]\npublication = \"daily\"\n\
         [source]\naddress = \"http://127.0.0.1:{}/daily.xml\"\n",
        http::USER,
        source.port
    );
    std::fs::write(folder.join("feeds/ecb.toml"), document).unwrap();
    let settings = folder.join("upturn.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let more = format!(
        "[feeds]\ndir = \"{}\"\n[http]\nallow_private = [\"127.0.0.1\"]\n",
        folder.join("feeds").display()
    );
    std::fs::write(&settings, format!("{text}{more}")).unwrap();
}

fn feed(site: &Site) -> Value {
    http::json(site.web, "/api/v1/feeds/ecb")
}

/// Runs the feed by hand and returns how it does once that run has ended so.
fn run_until(site: &Site, outcome: &str) -> Value {
    let (status, _) = http::post(site.web, "/api/v1/feeds/ecb/run", &json!({})).unwrap();
    assert_eq!(status, 200);
    wait_for(outcome, || {
        let feed = feed(site);
        let newest = &feed["runs"][0];
        (newest["cause"] == "person" && newest["outcome"] == outcome).then_some(feed)
    })
}

/// Returns what a euro costs in yuan today, by the command.
fn yuan(site: &Site) -> String {
    let today = today().to_string();
    let asked = ["facts", "get", "rate", "EUR", "CNY", "--as-of", &*today, "--json"];
    let found = run(site.command(asked), "");
    assert!(found.status.success(), "{found:?}");
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    found["value"].as_str().unwrap().to_owned()
}

/// Adds a colleague and returns a token of theirs.
pub(crate) fn colleague(site: &Site) -> String {
    let added =
        run(site.command(["user", "add", "bo", "--role", "operations"]), "a password of bo");
    assert!(added.status.success(), "{added:?}");
    let scopes = ["user", "token", "create", "bo", "--scope", "feeds", "--scope", "read"];
    let made = run(site.command(scopes), "");
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_last_good_set_stays_until_somebody_else_releases_what_is_held() {
    each_database(|database| {
        let source = Source::start(rates(1, "7.6204"));
        let mut site = Site::install(&Plan { database, ..Plan::default() });
        with_feed(&site, &source);
        let bo = colleague(&site);
        site.start_again();
        let first = wait_for("the first set", || {
            let feed = feed(&site);
            (feed["feed"]["state"] == "fine").then_some(feed)
        });
        let set = first["feed"]["set"]["id"].clone();
        assert_eq!((source.asked(), yuan(&site)), (1, "7.6204".to_owned()));

        source.says("<!doctype html><title>Closed for today</title>".to_owned());
        let failed = run_until(&site, "failed");
        let said = failed["feed"]["said"].as_str().unwrap();
        assert!(said.contains("web page") && said.contains("Closed for today"), "{said}");
        assert_eq!(
            (&failed["feed"]["set"]["id"], &failed["feed"]["state"]),
            (&set, &json!("failing"))
        );
        let (status, page) = http::page(site.web, "/feeds/ecb");
        assert!(status == 200 && page.contains("Closed for today"), "{page}");

        source.says(rates(0, "15.2"));
        let held = run_until(&site, "held");
        assert_eq!((&held["feed"]["set"]["id"], &held["feed"]["state"]), (&set, &json!("held")));
        assert_eq!(held["would_change"][0]["what"], "EUR/CNY");
        assert_eq!(yuan(&site), "7.6204");
        let release = format!("/api/v1/feeds/ecb/sets/{}/release", held["sets"][0]["id"]);
        let (status, problem) = http::post(site.web, &release, &json!({})).unwrap();
        assert_eq!((status, &problem["code"]), (403, &json!("own-feed")), "{problem}");
        let (_, page) = http::page(site.web, "/feeds/ecb");
        assert!(page.contains("EUR/CNY") && !page.contains("/release"), "{page}");

        let (status, released) = http::post_as(site.web, &release, &json!({}), &bo).unwrap();
        assert_eq!((status, &released["feed"]["state"]), (200, &json!("fine")), "{released}");
        assert_eq!(yuan(&site), "15.2");
        let (status, problem) = http::post_as(site.web, &release, &json!({}), &bo).unwrap();
        assert_eq!((status, &problem["code"]), (409, &json!("set-state")));

        let asked = source.asked();
        assert_eq!(site.stop(), Some(0));
        site.start_again();
        run_until(&site, "unchanged");
        assert_eq!(source.asked(), asked + 1, "the slot had run before the restart");
    });
}

#[test]
fn a_standby_fetches_nothing_until_it_takes_over() {
    let Some(database) = Database::create() else { return };
    let source = Source::start(rates(0, "7.6204"));
    let plan = Plan { database: Some(database.url.clone()), ..Plan::default() };
    let mut active = Site::install(&plan);
    with_feed(&active, &source);
    active.start_again();
    wait_for("the first set", || (feed(&active)["feed"]["state"] == "fine").then_some(()));
    let mut standby = Site::install(&Plan { is_second: true, ..plan });
    with_feed(&standby, &source);
    standby.launch();
    standby.until_unready_for("standby");
    let (status, _) = http::post(standby.web, "/api/v1/feeds/ecb/run", &json!({})).unwrap();
    assert_eq!(status, 200, "what it is asked for, the active one does");
    wait_for("the run", || (feed(&active)["runs"][0]["outcome"] == "unchanged").then_some(()));
    assert_eq!(source.asked(), 2);

    assert_eq!(active.stop(), Some(0));
    standby.until_ready();
    run_until(&standby, "unchanged");
    assert_eq!(source.asked(), 3, "the slot had run before the take-over");
    assert_eq!(standby.stop(), Some(0));
}
