//! What taking in tables costs: a company's devices, accounts and stock, looked at and written while the
//! program takes events in.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use upturn_tests::site::{Database, Plan, Site};

use super::beside::slowest_event;
use super::figures::{Failure, cpu_s, peak, say};
use super::postgres::Server;

const DEVICES: u32 = 100_000;
const ACCOUNTS: u32 = 20_000;
const PRODUCTS: u32 = 1_000;
const STOCK: u32 = 1_000_000;
/// How often the memory of an import is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Measures it on each database.
pub(super) fn run() -> Result<(), Failure> {
    on("SQLite", None)?;
    if let Some(server) = Server::start()? {
        let database = Database::on(server.url.clone());
        on("PostgreSQL", Some(database.url.clone()))?;
    }
    Ok(())
}

fn on(name: &str, database: Option<String>) -> Result<(), Failure> {
    let mut site = Site::install(&Plan { database, ..Plan::default() });
    site.start_again();
    let tables = write_tables(site.folder.path())?;
    let before = cpu_s("/proc/self/stat", 15)?;
    let program = format!("/proc/{}/stat", site.running().id());
    let program_before = cpu_s(&program, 13)?;
    for (kind, rows) in tables {
        for words in [&["--dry-run"][..], &[]] {
            import(&site, name, (kind, rows), words)?;
        }
    }
    say(&format!(
        "records: {name}: all of it, {:.1} s CPU; the program beside it, {:.1} s CPU",
        cpu_s("/proc/self/stat", 15)? - before,
        cpu_s(&program, 13)? - program_before,
    ));
    Ok(())
}

/// Takes a table in while events are handed in, and prints how long the slowest of these waited.
fn import(
    site: &Site,
    name: &str,
    (kind, rows): (&str, u32),
    words: &[&str],
) -> Result<(), Failure> {
    let mut command: Command = site.command(["records", "import", kind]);
    command.arg(site.folder.path().join(format!("{kind}.csv"))).args(words);
    let (began, before) = (Instant::now(), cpu_s("/proc/self/stat", 15)?);
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let is_over = AtomicBool::new(false);
    let (peak, status, waited) = std::thread::scope(|scope| {
        let events = scope.spawn(|| slowest_event(site.web, &is_over));
        let mut most = String::new();
        let status = loop {
            // A process that has ended has no memory to tell of.
            if let Ok(peak) = peak(child.id()) {
                most = peak;
            }
            match child.try_wait() {
                Ok(None) => std::thread::sleep(LOOK_EVERY),
                Ok(Some(status)) => break Ok(status),
                Err(error) => break Err(error),
            }
        };
        is_over.store(true, Ordering::Relaxed);
        (most, status, events.join())
    });
    let status = status?;
    if !status.success() {
        return Err(format!("the import of {kind} ended with {status}").into());
    }
    let waited = waited.map_err(|_panic| "events could not be handed in")?;
    say(&format!(
        "records: {name}: {rows} rows of {kind}{}, {:.2} s CPU, {:.1} s, peak {peak}, \
         the slowest event beside it {:.2} s",
        if words.is_empty() { "" } else { ", looked at" },
        cpu_s("/proc/self/stat", 15)? - before,
        began.elapsed().as_secs_f64(),
        waited.as_secs_f64(),
    ));
    Ok(())
}

/// Writes the tables into `folder`; returns their kinds and lengths in the order to take them in.
fn write_tables(folder: &Path) -> Result<[(&'static str, u32); 5], Failure> {
    let tables = [
        ("account", "id,name,country,phone", ACCOUNTS, account as fn(u32) -> String),
        ("site", "id,name,account,region", ACCOUNTS, |i| format!("S-{i},Site {i},A-{i},east")),
        ("device", "id,model,site,status", DEVICES, |i| {
            format!("EVSE-{i:06},X7,S-{},in-service", i % ACCOUNTS)
        }),
        ("product", "id,name", PRODUCTS, |i| format!("P-{i},Product {i}")),
        ("stock", "product,place,on_hand,reserved,unit_cost,currency", STOCK, stock),
    ];
    for (kind, head, rows, row) in tables {
        let mut text = format!("{head}\n");
        for index in 0..rows {
            writeln!(text, "{}", row(index))?;
        }
        fs::write(folder.join(format!("{kind}.csv")), text)?;
    }
    Ok(tables.map(|(kind, _, rows, _)| (kind, rows)))
}

fn account(index: u32) -> String {
    format!("A-{index},Customer number {index} GmbH,DE,030 {}", 1_000_000 + index)
}

/// Returns a row whose key is far from those of its neighbours.
fn stock(index: u32) -> String {
    let (product, place) = (index % PRODUCTS, index / PRODUCTS);
    format!("P-{product},hub-{place},{},{},{}.50,EUR", index % 97, index % 7, index % 500)
}
