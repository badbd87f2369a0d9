//! TLS at both doors, with certificates on both sides.

use tempfile::TempDir;
use upturn_tests::binary::{free_port, wait_for};
use upturn_tests::broker::Mosquitto;
use upturn_tests::certificates::{Authority, Files};
use upturn_tests::device::Device;
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, THREE_FAILURES};

fn failure(id: &str) -> String {
    format!(r#"{{"id":"{id}","kind":"charge_failed"}}"#)
}

fn events(site: &Site) -> String {
    let (_, metrics) = http::get(site.web, "/metrics").unwrap();
    let line = metrics.lines().find(|line| line.starts_with("upturn_events_total"));
    line.unwrap_or_default().to_owned()
}

fn refusals(site: &Site, reason: &str) -> u64 {
    let (_, metrics) = http::get(site.web, "/metrics").unwrap();
    let start = format!("upturn_door_refusals_total{{reason=\"{reason}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&start));
    line.map_or(0, |count| count.parse().unwrap())
}

/// An installation whose devices show certificates of `devices`, at the returned port.
fn site(door: &Files, devices: &Files, more: &str) -> (Site, u16) {
    let port = free_port();
    let doors = format!(
        "[mqtt.tls]\nlisten = \"127.0.0.1:{port}\"\ncert_file = \"{}\"\nkey_file = \"{}\"\n\
         client_ca_file = \"{}\"\n{more}",
        door.cert.display(),
        door.key.display(),
        devices.ca.display(),
    );
    let rules = vec![THREE_FAILURES.to_owned()];
    (Site::start(&Plan { doors: Some(doors), rules, ..Plan::default() }), port)
}

#[test]
fn a_device_with_a_certificate_speaks_for_itself_and_for_no_other() {
    let folder = TempDir::new().unwrap();
    let (authority, stranger) = (Authority::new("ours"), Authority::new("a stranger's"));
    let door = authority.issue("door", folder.path());
    let dev1 = authority.issue("dev1", folder.path());
    let (site, port) = site(&door, &dev1, "");

    for version in ["5", "311"] {
        let device = Device { version, files: Some(&dev1), ..Device::new(port, "dev1") };
        for quality in 0..=2 {
            let payload = failure(&format!("{version}-{quality}"));
            assert!(device.publishes("devices/dev1/events", quality, &payload), "MQTT {version}");
        }
    }
    assert_eq!(site.until_tasks(1)[0]["device"], "dev1");
    wait_for("six events", || events(&site).ends_with(" 6").then_some(()));

    let mut other = Files { ca: dev1.ca.clone(), ..stranger.issue("dev2", folder.path()) };
    let cases = [
        ("another's topic", Some(&dev1), "dev1", "devices/dev2/events"),
        ("another's session", Some(&dev1), "dev2", "devices/dev1/events"),
        ("a stranger's certificate", Some(&other), "dev2", "devices/dev2/events"),
        ("no certificate", None, "dev2", "devices/dev2/events"),
    ];
    for version in ["5", "311"] {
        for (name, files, id, topic) in cases {
            let device = Device { version, files, ..Device::new(port, id) };
            assert!(device.is_refused(topic, &failure(name)), "case: {name}, MQTT {version}");
        }
    }
    assert!(events(&site).ends_with(" 6"), "{}", events(&site));
    assert!(4 <= refusals(&site, "identity") && 4 <= refusals(&site, "handshake"));

    // The authority is replaced: who was a stranger is let in, who was known is not.
    std::fs::copy(&stranger.issue("dev3", folder.path()).ca, &dev1.ca).unwrap();
    site.process.as_ref().unwrap().hang_up();
    other.ca = authority.issue("door2", folder.path()).ca;
    wait_for("the new certificates", || {
        let device = Device { files: Some(&other), ..Device::new(port, "dev2") };
        device.publishes("devices/dev2/events", 1, &failure("new")).then_some(())
    });
    let old = Files { ca: other.ca.clone(), ..dev1 };
    let device = Device { files: Some(&old), ..Device::new(port, "dev1") };
    assert!(device.is_refused("devices/dev1/events", &failure("old")));
}

#[test]
fn a_device_whose_certificate_is_revoked_is_kept_out_without_a_restart() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new("ours");
    let door = authority.issue("door", folder.path());
    let [dev1, dev2] = ["dev1", "dev2"].map(|name| authority.issue(name, folder.path()));
    let list = folder.path().join("crl.pem");
    authority.revoke(&["dev9"], &list);
    let (site, port) = site(&door, &dev1, &format!("client_crl_file = \"{}\"\n", list.display()));
    let publishes = |files, name| {
        let device = Device { files: Some(files), ..Device::new(port, name) };
        device.publishes(&format!("devices/{name}/events"), 1, &failure(name))
    };
    assert!(publishes(&dev1, "dev1") && publishes(&dev2, "dev2"));

    authority.revoke(&["dev9", "dev1"], &list);
    site.process.as_ref().unwrap().hang_up();
    let device = Device { files: Some(&dev1), ..Device::new(port, "dev1") };
    wait_for("a closed door", || {
        device.is_refused("devices/dev1/events", &failure("late")).then_some(())
    });
    assert!(publishes(&dev2, "dev2"), "who is not on the list is let in");
    assert!(1 <= refusals(&site, "handshake"));

    // What is no list keeps the old one in force.
    std::fs::write(&list, "nothing of the kind").unwrap();
    site.process.as_ref().unwrap().hang_up();
    wait_for("a word about the file", || {
        site.log().contains("a list of revoked certificates").then_some(())
    });
    assert!(device.is_refused("devices/dev1/events", &failure("later")));
}

#[test]
fn mosquitto_is_spoken_to_over_tls_with_a_certificate_of_our_own() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new("ours");
    let Some(broker) = Mosquitto::start_with_tls(&authority.issue("broker", folder.path())) else {
        return;
    };
    let upturn = authority.issue("upturn", folder.path());
    let doors = |files: &str| {
        let port = broker.port;
        let ca = upturn.ca.display();
        format!("[mqtt.connect]\nurl = \"mqtts://127.0.0.1:{port}\"\nca_file = \"{ca}\"\n{files}")
    };
    let (cert, key) = (upturn.cert.display(), upturn.key.display());
    let shown = doors(&format!("cert_file = \"{cert}\"\nkey_file = \"{key}\"\n"));
    let rules = vec![THREE_FAILURES.to_owned()];
    let plan = Plan { doors: Some(shown), rules: rules.clone(), ..Plan::default() };
    let site = Site::start(&plan);

    let dev1 = authority.issue("dev1", folder.path());
    for version in ["5", "311"] {
        let device = Device { version, files: Some(&dev1), ..Device::new(broker.port, "dev1") };
        for quality in 0..=2 {
            let payload = failure(&format!("{version}-{quality}"));
            assert!(device.publishes("devices/dev1/events", quality, &payload));
        }
    }
    assert_eq!(site.until_tasks(1)[0]["device"], "dev1");

    let plan = Plan { doors: Some(doors("")), rules, ..Plan::default() };
    let output = upturn_tests::binary::run(Site::install(&plan).command(["serve"]), "");
    assert_eq!(output.status.code(), Some(69), "without a certificate: {output:?}");
}

#[test]
fn the_shipped_access_list_keeps_devices_apart() {
    let users = [("upturn", "u"), ("dev1", "d")];
    let Some(broker) = Mosquitto::start_guarded(&users) else { return };
    let folder = TempDir::new().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "u").unwrap();
    let (port, password) = (broker.port, password.display());
    let doors = format!(
        "[mqtt.connect]\nurl = \"mqtt://127.0.0.1:{port}\"\nusername = \"upturn\"\n\
         password_file = \"{password}\"\n",
    );
    let rules = vec![THREE_FAILURES.to_owned()];
    let site = Site::start(&Plan { doors: Some(doors), rules, ..Plan::default() });
    let device = Device { login: Some(("dev1", "d")), ..Device::new(port, "dev1") };
    for number in 0..3 {
        // Mosquitto acknowledges what it does not let through.
        device.publishes("devices/dev2/events", 1, &failure(&number.to_string()));
        assert!(device.publishes("devices/dev1/events", 1, &failure(&number.to_string())));
    }
    assert_eq!(site.until_tasks(1)[0]["device"], "dev1");
    assert!(events(&site).ends_with(" 3"), "{}", events(&site));
    assert!(Device::new(port, "dev1").is_refused("devices/dev1/events", "{}"), "no password");
}
