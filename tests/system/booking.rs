//! Meetings with consultants, in a calendar on a real server.

use std::path::{Path, PathBuf};
use std::sync::Once;

use chrono::{DateTime, Timelike as _, Utc};
use serde_json::{Value, json};
use upturn_tests::binary::wait_for;
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, THREE_FAILURES, each_database};
use upturn_tests::target::Target;

/// What wu does each day from 9 to 13 UTC, and a note for every day that takes no time.
const DIARY: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VEVENT\r\nUID:mornings\r\n\
    DTSTAMP:20200101T000000Z\r\nDTSTART:20200101T090000Z\r\nDTEND:20200101T130000Z\r\nRRULE:FREQ=DAILY\r\n\
    SUMMARY:Mornings\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
const NOTE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VEVENT\r\nUID:note\r\n\
    DTSTAMP:20200101T000000Z\r\nDTSTART;VALUE=DATE:20200101\r\nRRULE:FREQ=DAILY\r\nTRANSP:TRANSPARENT\r\n\
    SUMMARY:Note\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn a_meeting_goes_from_a_free_hour_into_the_calendar() {
    static SAID: Once = Once::new();
    each_database(|database| {
        let Some(calendar) = Target::start("radicale", &[], &SAID) else { return };
        let items = Path::new(calendar.get("DIR")).join("collections/collection-root/rep/VEVENT");
        std::fs::write(items.join("mornings.ics"), DIARY).unwrap();
        std::fs::write(items.join("note.ics"), NOTE).unwrap();
        let rules = vec![THREE_FAILURES.to_owned()];
        let mut site = Site::install(&Plan { database, rules, ..Plan::default() });
        configure(&site, &calendar);
        site.start_again();
        let tasks = fail(&site);
        let id = |number: usize| tasks[number]["id"].as_str().unwrap();

        let slots = offered(&site, id(0));
        assert_eq!(slots.len(), 3, "{slots:?}");
        let begins: Vec<_> = slots.iter().map(starts_at).collect();
        // From 9 to 17 the consultant works, and the mornings are taken.
        assert!(begins.iter().all(|at| (13..=16).contains(&at.hour())), "{begins:?}");
        let on_other_days = |two: &[DateTime<Utc>]| two[0].date_naive() < two[1].date_naive();
        assert!(begins.windows(2).all(on_other_days), "half-days of their own: {begins:?}");

        let choice = json!({"consultant": "wu", "starts_at": slots[0]["starts_at"]});
        let (status, booked) = book(&site, id(0), &choice);
        assert_eq!((status, &booked["checked"]), (200, &json!([1])), "{booked}");
        let (status, refused) = book(&site, id(1), &choice);
        assert_eq!((status, &refused["code"]), (409, &json!("slot-taken")), "{refused}");
        let item = wait_for("the appointment", || appointment(&items));
        let stamp = begins[0].format("%Y%m%dT%H%M%SZ").to_string();
        assert!(item.contains(&format!("DTSTART:{stamp}")), "{item}");
        wait_for("the letter's receipt", || {
            let sent = http::json(site.web, "/api/v1/letters?state=sent")["letters"].clone();
            (sent.as_array()?.len() == 1).then_some(())
        });
        let after = offered(&site, id(1));
        assert!(after.iter().all(|slot| slot["starts_at"] != slots[0]["starts_at"]), "{after:?}");

        // Without the calendar it is said, and the step can be done by hand.
        drop(calendar);
        let (status, said) =
            http::get(site.web, &format!("/api/v1/tasks/{}/slots", id(1))).unwrap();
        assert!(status == 503 && said.contains("mark the step by hand"), "{status}: {said}");
        let path = format!("/api/v1/tasks/{}/check-step", id(1));
        let (status, done) = http::post(site.web, &path, &json!({"step": 1})).unwrap();
        assert_eq!((status, &done["checked"]), (200, &json!([1])), "{done}");
        assert!(!site.log().contains("test-only-Radicale"), "{}", site.log());
    });
}

/// Makes wu's calendar a destination.
fn configure(site: &Site, calendar: &Target) {
    let folder = site.folder.path().join("delivery");
    std::fs::create_dir_all(folder.join("destinations")).unwrap();
    let password = folder.join("password");
    std::fs::write(&password, calendar.get("PASSWORD")).unwrap();
    let document = format!(
        "id = \"wu-calendar\"\nkind = \"caldav\"\ntitle = {{ en = \"Calendar of Wu\" }}\n[settings]\n\
         collection = \"{}VEVENT/\"\nuser = \"{}\"\npassword_file = \"{}\"\n\
         component = \"appointment\"\nconsultant = \"wu\"\n",
        calendar.get("URL"),
        calendar.get("LOGIN"),
        password.display(),
    );
    std::fs::write(folder.join("destinations/wu.toml"), document).unwrap();
    site.configure(&format!(
        "[delivery]\ndir = \"{}\"\n[http]\nallow_private = [\"127.0.0.1\"]\n",
        folder.display()
    ));
}

/// Lets two chargers fail three times each; returns their tasks.
fn fail(site: &Site) -> Vec<Value> {
    let failures: Vec<Message> = (0..6)
        .map(|number: u32| {
            let event = json!({"id": number.to_string(), "kind": "charge_failed"});
            Message::new(format!("devices/evse-{}/events", number % 2), event.to_string())
        })
        .collect();
    fleet::publish(site.mqtt, &failures, 20, |_| {});
    site.until_tasks(2)
}

fn offered(site: &Site, task: &str) -> Vec<Value> {
    let path = format!("/api/v1/tasks/{task}/slots");
    let (status, body) = http::get(site.web, &path).unwrap();
    assert_eq!(status, 200, "{body}");
    let offers: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(offers["unread"], json!([]), "{body}");
    offers["slots"].as_array().unwrap().clone()
}

fn starts_at(slot: &Value) -> DateTime<Utc> {
    slot["starts_at"].as_str().unwrap().parse().unwrap()
}

fn book(site: &Site, task: &str, choice: &Value) -> (u16, Value) {
    http::post(site.web, &format!("/api/v1/tasks/{task}/book-consultant"), choice).unwrap()
}

/// Returns the appointment that was put there, unfolded, if it is there.
fn appointment(items: &PathBuf) -> Option<String> {
    let all = std::fs::read_dir(items).unwrap().map(|entry| entry.unwrap().path());
    let ours = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("upturn-booking"))
    };
    let found: Vec<_> = all.filter(ours).collect();
    let [one] = &*found else { return None };
    Some(std::fs::read_to_string(one).unwrap().replace("\r\n ", ""))
}
