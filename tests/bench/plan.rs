//! What planning costs the program: thousands of items at many places, and a fact that changes the plan.

use std::fmt::Write as _;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use upturn_tests::http;
use upturn_tests::site::{Database, Plan, Site};
use upturn_tests::source::Source;

use super::beside::slowest_event;
use super::figures::{Failure, cpu_s, peak, say};
use super::postgres::Server;

const ITEMS: u32 = 10_000;
const PLACES: u32 = 50;
/// Longer than the first plan takes.
const PATIENCE: Duration = Duration::from_mins(10);
/// The program is at rest when it works less than this in so long.
const REST_CPU_S: f64 = 0.2;
const REST: Duration = Duration::from_secs(4);
/// Seldom enough that asking costs nothing that counts.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Measures it on each database whose name holds `part`.
pub(super) fn run(part: &str) -> Result<(), Failure> {
    if "SQLite".contains(part) {
        on("SQLite", None)?;
    }
    if "PostgreSQL".contains(part)
        && let Some(server) = Server::start()?
    {
        let database = Database::on(server.url.clone());
        on("PostgreSQL", Some(database.url.clone()))?;
    }
    Ok(())
}

fn on(name: &str, database: Option<String>) -> Result<(), Failure> {
    let roads = Source::start(closed_until("2025-01-28"));
    let mut site = Site::install(&Plan { database, ..Plan::default() });
    configure(&site, roads.port)?;
    let began = Instant::now();
    site.execute(&records());
    say(&format!("plan: {name}: {:.0} s to write the records", began.elapsed().as_secs_f64()));
    site.launch();
    site.until_ready();
    let pid = site.running().id();
    let stat = format!("/proc/{pid}/stat");
    let mut seen = Value::Null;
    // The feed runs first at the start: the plan may have been made without its facts.
    for what in ["first plan", "a new calendar fact", "another", "a changed document"] {
        let (before, wall) = (cpu_s(&stat, 13)?, Instant::now());
        let is_over = AtomicBool::new(false);
        let (found, took, waited) = std::thread::scope(|scope| {
            let events = scope.spawn(|| slowest_event(site.web, &is_over));
            let found = change(what, &site, &roads).and_then(|()| planned(&site, &seen));
            let took = wall.elapsed();
            is_over.store(true, Ordering::Relaxed);
            (found, took, events.join())
        });
        seen = found?;
        let waited = waited.map_err(|_panic| "events could not be handed in")?;
        say(&format!(
            "plan: {name}: {what}: {ITEMS} items, {PLACES} places, {} pieces, {:.2} s, \
             {:.2} s CPU, peak {}, the slowest event beside it {:.2} s",
            seen["told"]["pieces"],
            took.as_secs_f64(),
            cpu_s(&stat, 13)? - before,
            peak(pid)?,
            waited.as_secs_f64(),
        ));
        if seen["told"]["troubles"].as_array().is_some_and(|troubles| !troubles.is_empty()) {
            return Err(format!("the plan leaves things out: {}", seen["told"]).into());
        }
        settle(&stat)?;
        seen = plan(&site);
    }
    Ok(())
}

/// Waits until the program is at rest: at its start it forecasts, too, for which no fact waits.
fn settle(stat: &str) -> Result<(), Failure> {
    let began = Instant::now();
    loop {
        let before = cpu_s(stat, 13)?;
        std::thread::sleep(REST);
        if cpu_s(stat, 13)? - before < REST_CPU_S || PATIENCE < began.elapsed() {
            return Ok(());
        }
    }
}

/// Brings about `what` the next plan is made of.
fn change(what: &str, site: &Site, roads: &Source) -> Result<(), Failure> {
    match what {
        "a new calendar fact" => close(site, roads, "2025-01-29"),
        "another" => close(site, roads, "2025-01-30"),
        "a changed document" => Ok(fs::write(document(site), stocking(6))?),
        _ => Ok(()),
    }
}

/// Returns the newest plan.
fn plan(site: &Site) -> Value {
    // Of a state in which there is nothing, so that nothing is counted.
    http::json(site.web, "/api/v1/advice?state=firmed&limit=1")["plan"].clone()
}

/// Waits for a plan that was made after `before`.
fn planned(site: &Site, before: &Value) -> Result<Value, Failure> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let plan = plan(site);
        if plan["planned_at"].is_string() && plan["planned_at"] != before["planned_at"] {
            return Ok(plan);
        }
        std::thread::sleep(ASK_EVERY);
    }
    Err(format!("there is no plan; the program's log: {}", site.log()).into())
}

/// Has the roads shut until `day`, and the feed run.
fn close(site: &Site, roads: &Source, day: &str) -> Result<(), Failure> {
    roads.says(closed_until(day));
    let (status, said) =
        http::post(site.web, "/api/v1/feeds/roads/run", &json!({})).ok_or("nobody answers")?;
    if status != 200 {
        return Err(format!("the run was refused with {status}: {said}").into());
    }
    Ok(())
}

fn closed_until(day: &str) -> String {
    format!("what,from,until,reason\nregion:X,2025-01-23,{day},roads shut\n")
}

fn document(site: &Site) -> std::path::PathBuf {
    site.folder.path().join("stocking.toml")
}

fn configure(site: &Site, port: u16) -> Result<(), Failure> {
    let folder = site.folder.path();
    fs::write(document(site), stocking(7))?;
    fs::create_dir(folder.join("feeds"))?;
    let feed = format!(
        "id = \"roads\"\nkind = \"closures\"\ntitle = {{ en = \"Roads\" }}\n\
         configured_by = \"{}\"\nschedule = \"0 3 1 * *\"\njitter = \"0s\"\n\
         [settings]\nformat = \"csv\"\n\
         [source]\naddress = \"http://127.0.0.1:{port}/roads.csv\"\n",
        http::USER
    );
    fs::write(folder.join("feeds/roads.toml"), feed)?;
    site.configure(&format!(
        "[feeds]\ndir = \"{}\"\n[http]\nallow_private = [\"127.0.0.1\"]\n\
         [stock]\ndocument = \"{}\"\n",
        folder.join("feeds").display(),
        document(site).display()
    ));
    Ok(())
}

/// Returns a document with the network of the other bench: a depot, its places, and a maker.
fn stocking(review_days: u32) -> String {
    let mut text = "id = \"all\"\nkind = \"stocking\"\ntitle = { en = \"All\" }\n\
                    zone = \"Asia/Shanghai\"\nas_of = \"2025-01-15T08:00:00+08:00\"\n\
                    [aim]\nservice = \"0.95\"\n\
                    [[calendar]]\nid = \"workdays\"\nzone = \"Asia/Shanghai\"\n\
                    week = [\"mon\", \"tue\", \"wed\", \"thu\", \"fri\"]\n\
                    announced_until = \"2025-12-31\"\nclosures = [\"region:X\"]\n"
        .to_owned();
    let mut place = |id: u32, more: &str| {
        // Writing to a string does not fail.
        write!(
            text,
            "[[place]]\nid = \"S{id}\"\ncalendar = \"workdays\"\nreview_days = {review_days}\n{more}"
        )
        .ok();
    };
    (0..PLACES).for_each(|id| place(id, ""));
    place(PLACES, "supplier = true\n");
    let mut lane = |from: u32, to: u32, transit: &str| {
        write!(
            text,
            "[[lane]]\nid = \"{from}-{to}\"\nfrom = \"S{from}\"\nto = \"S{to}\"\n\
             calendar = \"workdays\"\ntransit = \"{transit}\"\n"
        )
        .ok();
    };
    lane(PLACES, 0, "6:0.7;9:0.3");
    for number in 1..PLACES {
        lane(0, number, "2");
        lane(number % (PLACES - 1) + 1, number, "1");
        lane(PLACES, number, "8");
    }
    text.push_str("[demand.accounts]\n");
    for id in 0..PLACES {
        writeln!(text, "A{id} = \"S{id}\"").ok();
    }
    text
}

/// Returns statements that write a product for each item, its stock at each place, an order of every
/// other position and a deal of every tenth.
fn records() -> String {
    let each = |kind: &str, id: &str, document: &str, of: &str| {
        let (items, places) = (ITEMS - 1, PLACES - 1);
        format!(
            "INSERT INTO record (kind, id, document, revision, updated_at, updated_by)
             WITH RECURSIVE item(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM item WHERE i < {items}),
             place(p) AS (SELECT 0 UNION ALL SELECT p + 1 FROM place WHERE p < {places}),
             position(i, p, m) AS (SELECT i, p, (i * 7919 + p * 10473) % 100003 FROM item, place)
             SELECT '{kind}', {id}, {document}, 1, 1736812800000, 'bench'
             FROM position WHERE {of};\n"
        )
    };
    let product = "'{\"id\":\"P' || i || '\",\"name\":\"P\",\"pack_size\":\"' || (1 + i % 4) || '\",\
                   \"minimum_order\":\"2\"}'";
    let stock = "'{\"product\":\"P' || i || '\",\"place\":\"S' || p || '\",\"on_hand\":\"' || \
                 (CASE WHEN p = 0 THEN 60 ELSE m % 12 END) || '\",\"reserved\":\"0\",\"on_order\":\"' \
                 || (m % 3) || '\",\"counted_at\":\"2025-01-14T10:00:00Z\"}'";
    let order = "'{\"id\":\"O' || i || '\",\"line\":\"' || p || '\",\"account\":\"A' || p || '\",\
                 \"product\":\"P' || i || '\",\"quantity\":\"' || (1 + m % 7) || '\",\
                 \"amount\":\"1\",\"currency\":\"CNY\",\"ordered_on\":\"2024-' || (10 + m % 3) || \
                 '-' || (10 + m % 20) || '\",\"place\":\"S' || p || '\"}'";
    let deal = "'{\"id\":\"D' || i || '-' || p || '\",\"account\":\"a\",\"stage\":\"offer\",\
                \"opened_on\":\"2024-12-01\",\"product\":\"P' || i || '\",\"quantity\":\"' || \
                (1 + m % 4) || '\",\"probability\":\"0.4\",\"expected_on\":\"2025-01-20\",\
                \"place\":\"S' || p || '\"}'";
    [
        each("product", "'P' || i", product, "p = 0"),
        each("stock", "'P' || i || '|S' || p", stock, "0 <= p"),
        each("order", "'O' || i || '|' || p", order, "m % 2 = 0"),
        each("deal", "'D' || i || '-' || p", deal, "m % 10 = 0"),
    ]
    .concat()
}
