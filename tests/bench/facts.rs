//! What facts cost: the ECB's whole history on its way into force, a look-up in it, feeds that wait.

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate, Utc};
use serde_json::{Value, json};
use upturn_connectors::feed;
use upturn_core::fact::Fact;
use upturn_core::fact::rate::Purpose;
use upturn_core::fact::rate_book::{Publication, Query, RateBook};
use upturn_tests::binary::wait_for;
use upturn_tests::http;
use upturn_tests::site::{Plan, Site};
use upturn_tests::source::Source;

use super::figures::{Failure, cpu_of_threads, cpu_s, peak, say};

/// Look-ups of each figure.
const LOOK_UPS: u32 = 2_000_000;
/// Feeds that wait.
const FEEDS: usize = 1_000;
/// How long they are watched.
const WATCHED: Duration = Duration::from_secs(30);
/// Days and currencies of the history: as many as the ECB has by now.
const DAYS: usize = 7_000;
const CURRENCIES: &str = "USD,JPY,BGN,CZK,DKK,GBP,HUF,PLN,RON,SEK,CHF,ISK,NOK,TRY,AUD,BRL,CAD,CNY,HKD,IDR,ILS,\
                          INR,KRW,MXN,MYR,NZD,PHP,SGD,THB,ZAR,CYP,EEK,HRK,LTL,LVL,MTL,ROL,RUB,SIT,SKK";

/// Measures all of it.
pub(super) fn run() -> Result<(), Failure> {
    let history = history()?;
    look_up(history.as_bytes())?;
    put_in_force(history.into_bytes())?;
    wait()
}

/// Returns a history in the ECB's shape that ends yesterday, the newest day first.
#[expect(clippy::disallowed_methods, reason = "the program under test reads the machine's clock")]
fn history() -> Result<String, Failure> {
    let mut text = format!("Date,{CURRENCIES}\n");
    let yesterday = Utc::now().date_naive().pred_opt();
    let back = std::iter::successors(yesterday, NaiveDate::pred_opt);
    for (number, day) in back.filter(|day| Publication::Target.is_on(*day)).take(DAYS).enumerate() {
        write!(text, "{day}")?;
        for index in 1..=CURRENCIES.split(',').count() {
            write!(text, ",{index}.{:04}", 1_000 + number % 40)?;
        }
        text.push('\n');
    }
    Ok(text)
}

/// Looks rates up as of days all over the history: one that is published, and one through the euro.
fn look_up(history: &[u8]) -> Result<(), Failure> {
    let kind = feed::kind("ecb").ok_or("there is no kind ecb")?;
    let before = cpu_s("/proc/self/stat", 13)?;
    let facts = (kind.parse)(&json!({}), history)?;
    let parsed = cpu_s("/proc/self/stat", 13)? - before;
    let of_rate = |fact| if let Fact::Rate(rate) = fact { Some(rate) } else { None };
    let rates = facts.into_iter().filter_map(of_rate);
    let rates: Vec<_> = rates.collect();
    say(&format!("facts: {} rates read in {parsed:.2} s CPU", rates.len()));
    let book = RateBook::new("ecb", Publication::Target, rates);
    for (name, base, quote) in [("a published rate", "EUR", "USD"), ("a cross rate", "USD", "CNY")]
    {
        let first = NaiveDate::from_ymd_opt(2006, 1, 2).ok_or("there is no such day")?;
        let (base, quote) = (base.parse()?, quote.parse()?);
        let before = cpu_s("/proc/self/stat", 13)?;
        let mut found = 0;
        for number in 0..LOOK_UPS {
            let on = first + Days::new(u64::from(number % 7_000));
            let query = Query { base, quote, on, purpose: Purpose::Spot, missed_max: 1 };
            found += u32::from(book.find(&query).is_ok());
        }
        let each = (cpu_s("/proc/self/stat", 13)? - before) * 1e9 / f64::from(LOOK_UPS);
        say(&format!("facts: look-up of {name}: {each:.0} ns CPU, {found} of {LOOK_UPS} found"));
    }
    Ok(())
}

/// Has the program fetch the history and put it in force, twice: the second is judged beside the first.
fn put_in_force(history: Vec<u8>) -> Result<(), Failure> {
    let source = Source::start(b"<!doctype html><title>Not yet</title>".to_vec());
    let mut site = Site::install(&Plan::default());
    write_feeds(&site, 1, source.port)?;
    site.start_again();
    let mut run = ended(&site, &Value::Null);
    let pid = site.running().id();
    say(&format!("facts: the program before, peak {}", peak(pid)?));
    // The second is another document of the same rates, so that there is a set to compare.
    for (name, body) in [("again", again(&history)?), ("first", history)].into_iter().rev() {
        source.says(body);
        let (began, before) = (Instant::now(), cpu_of_threads(pid)?);
        let (status, _) =
            http::post(site.web, "/api/v1/feeds/feed-0/run", &json!({})).ok_or("nobody answers")?;
        if status != 200 {
            return Err(format!("the run was refused with {status}").into());
        }
        run = ended(&site, &run["id"]);
        let (spent, wall) = (cpu_of_threads(pid)?.saturating_sub(before), began.elapsed());
        say(&format!(
            "facts: whole history, {name}: {}, {:.2} s CPU, {:.2} s, peak {}",
            run["outcome"],
            spent.as_secs_f64(),
            wall.as_secs_f64(),
            peak(pid)?
        ));
    }
    Ok(())
}

/// Returns the history as another document of the same rates, so that there is a set to compare.
fn again(history: &[u8]) -> Result<Vec<u8>, Failure> {
    let kind = feed::kind("ecb").ok_or("there is no kind ecb")?;
    let facts = (kind.parse)(&json!({}), history)?;
    let mut text = "KEY,FREQ,CURRENCY,CURRENCY_DENOM,TIME_PERIOD,OBS_VALUE\n".to_owned();
    for fact in facts {
        if let Fact::Rate(rate) = fact {
            writeln!(text, "K,D,{},EUR,{},{}", rate.quote, rate.date, rate.value)?;
        }
    }
    Ok(text.into_bytes())
}

/// Watches the program with a thousand feeds that wait for their slots.
fn wait() -> Result<(), Failure> {
    for count in [0, FEEDS] {
        let source = Source::start("Date,USD\n2024-11-21,1.0526\n");
        let mut site = Site::install(&Plan::default());
        write_feeds(&site, count, source.port)?;
        site.start_again();
        // Those that never ran run at once.
        if 0 < count {
            wait_for("the first runs", || {
                let all = http::json(site.web, "/api/v1/feeds");
                let feeds = all["feeds"].as_array()?;
                feeds.iter().all(|feed| feed["state"] != "waiting").then_some(())
            });
        }
        let pid = site.running().id();
        let before = cpu_of_threads(pid)?;
        std::thread::sleep(WATCHED);
        let spent = cpu_of_threads(pid)?.saturating_sub(before);
        let part = spent.as_secs_f64() * 100.0 / WATCHED.as_secs_f64();
        say(&format!("facts: {count} feeds wait: {part:.2} % of a processor, peak {}", peak(pid)?));
    }
    Ok(())
}

/// Sets up `count` feeds whose slots are the first of the month.
fn write_feeds(site: &Site, count: usize, port: u16) -> Result<(), Failure> {
    let folder = site.folder.path().join("feeds");
    fs::create_dir(&folder)?;
    for number in 0..count {
        let document = format!(
            "id = \"feed-{number}\"\nkind = \"ecb\"\ntitle = {{ en = \"Feed\" }}\n\
             configured_by = \"ana\"\nschedule = \"0 3 1 * *\"\njitter = \"0s\"\n\
             [source]\naddress = \"http://127.0.0.1:{port}/document\"\n"
        );
        fs::write(folder.join(format!("{number}.toml")), document)?;
    }
    let folder = folder.display();
    site.configure(&format!(
        "[feeds]\ndir = \"{folder}\"\n[http]\nallow_private = [\"127.0.0.1\"]\n"
    ));
    Ok(())
}

/// Returns the newest run once it has ended, if it is not the run `before`.
fn ended(site: &Site, before: &Value) -> Value {
    wait_for("the run", || {
        let feed = http::json(site.web, "/api/v1/feeds/feed-0");
        let newest = &feed["runs"][0];
        (newest["id"] != *before && newest["outcome"].is_string()).then(|| newest.clone())
    })
}
