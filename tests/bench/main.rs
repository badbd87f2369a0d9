//! Prints what things cost. No figure passes or fails; machines are shared and noisy.
//!
//! `cargo run --release -p upturn-tests --bin bench [EVENTS [PART]]` runs job J1: a back-test, the
//! program behind each door on each database, and what the same job costs without it; without a
//! file of events the small job is repeated. With `PART` only the figures whose name holds it.
//! `bench fold [WORDS]` times the fold by itself, or those figures of it whose names have these words in
//! them; `bench heal` how soon the program goes on after trouble; `bench latency` how soon a task is
//! seen, how soon the program is ready, and what a page of tasks costs; `bench stock` what a plan of
//! stock costs, `bench plan [DATABASE]` what a new one costs the program; `bench calendar` what questions of a
//! calendar cost; `bench records` what taking in tables costs; `bench facts` what a whole history of
//! rates costs on its way into force, a look-up in it, and feeds that wait.
#![expect(
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "figures for people, of a file that was just written"
)]

use std::path::Path;

use upturn_tests::broker::Mosquitto;

mod beside;
mod calendar;
mod facts;
mod fan_out;
mod figures;
mod fold;
mod heal;
mod job;
mod latency;
mod path;
mod plan;
mod postgres;
mod raw_insert;
mod records;
mod slow_disk;
mod stock;

use self::figures::{Failure, Rate, backtest, say, say_load};
use self::job::Job;
use self::path::Path as Way;
use self::postgres::Server;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let (first, part) = (arguments.next(), arguments.next().unwrap_or_default());
    say_load()?;
    match first.as_deref() {
        Some("calendar") => calendar::run(),
        Some("facts") => facts::run(),
        Some("fold") => fold::run(&part),
        Some("heal") => heal::run(),
        Some("latency") => latency::run(),
        Some("plan") => plan::run(&part),
        Some("records") => records::run(),
        Some("stock") => stock::run(),
        events => all(&Job::read(events.map(Path::new))?, &part),
    }
}

/// Runs the job every way there is, as far as the name holds `part`.
fn all(job: &Job, part: &str) -> Result<(), Failure> {
    if "back-test".contains(part) {
        backtest(job)?;
    }
    let fan_out = match Mosquitto::start() {
        Some(broker) => Some(fan_out::run(job, &broker)?),
        None => None,
    };
    let server = Server::start()?;
    for database in [None, server.as_ref()] {
        let raw = raw_insert::run(job, database)?;
        for disk in [None, Some(slow_disk::COMMIT)] {
            let ways = [(false, false), (true, false), (false, true)];
            let ways =
                ways.map(|(is_external, are_leads)| Way { is_external, database, disk, are_leads });
            for way in ways.into_iter().filter(|way| way.name().contains(part)) {
                if let Some(rate) = path::run(job, &way)? {
                    compare(rate, fan_out, raw);
                }
            }
        }
    }
    Ok(())
}

/// Says how a rate compares to what a broker and a database can do by themselves.
fn compare(rate: Rate, fan_out: Option<Rate>, raw: Rate) {
    let to_broker = fan_out.map(|fan_out| {
        format!("{:.2} of Mosquitto's own fan-out, ", rate.per_second / fan_out.per_second)
    });
    say(&format!(
        "  {}{:.2} of the raw insert",
        to_broker.unwrap_or_default(),
        rate.per_second / raw.per_second
    ));
}
