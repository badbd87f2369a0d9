//! The machine's clock is set, forward and back.

use std::path::{Path, PathBuf};
use std::sync::Once;

use upturn_tests::fleet;
use upturn_tests::http;
use upturn_tests::shared::left_out;
use upturn_tests::site::{Plan, Site};

use crate::load::{self, Kept};

/// Returns the library that lies about the time; `None`, with one line that says so, where there is
/// none.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let paths = folders.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1"));
    let found = paths.into_iter().find(|path| path.exists());
    if found.is_none() {
        static SAID: Once = Once::new();
        left_out(&SAID, "clocks that jump; install faketime");
    }
    found
}

/// Sets the clock that the program sees; waiting takes as long as it did.
fn set(file: &Path, offset: &str) {
    // Whole at once, since the program may read it at any moment.
    let next = file.with_extension("next");
    std::fs::write(&next, format!("{offset}\n")).unwrap();
    std::fs::rename(next, file).unwrap();
}

#[test]
fn a_clock_that_jumps_loses_nothing_and_repeats_nothing() {
    let Some(library) = library() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("offset");
    set(&file, "+0");
    let site = Site::start(&Plan {
        environment: vec![
            ("LD_PRELOAD", library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ],
        ..load::plan()
    });
    // An hour forward and back, across the end of summer time in Europe, and across a year's end.
    let offsets = ["+3600", "-3600", "@2027-10-31 00:59:55", "@2027-12-31 23:59:55", "+0"];
    let load = load::messages(500 * (offsets.len() + 1));
    let mut parts = load.chunks(500);
    fleet::publish(site.mqtt, parts.next().unwrap(), 100, |_| {});
    for (offset, part) in offsets.iter().zip(parts) {
        set(&file, offset);
        fleet::publish(site.mqtt, part, 100, |_| {});
        assert_eq!(http::get(site.web, "/readyz").unwrap().0, 200, "{offset}");
    }
    assert_eq!(load::kept(&site, load.len()), Kept::ALL);

    // Log time never goes back, so what is done now comes after what was done in the year 2027.
    let task = site.tasks()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/tasks/{task}/accept");
    let (status, accepted) = http::post(site.web, &path, &serde_json::json!({})).unwrap();
    assert_eq!((status, &accepted["status"]), (200, &"accepted".into()), "{accepted}");
    let done_at = accepted["history"].as_array().unwrap().last().unwrap()["at"].as_str().unwrap();
    assert!("2027-12-31T23:59:55" <= done_at, "{done_at}");
}
