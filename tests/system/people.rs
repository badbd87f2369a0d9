//! People from outside: the first admin, roles and regions in the running program, the trail.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use upturn_tests::binary::{path, run, wait_for};
use upturn_tests::device::Device;
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, THREE_FAILURES, each_database};

/// Returns what `script` needs to give a command a terminal; `None` where it is not installed.
fn on_a_terminal(site: &Site) -> Option<Command> {
    let script = Command::new("script").arg("--version").output().ok()?;
    if !script.status.success() {
        return None;
    }
    let settings = site.folder.path().join("upturn.toml");
    let command = format!("exec {} --config {} serve", path().display(), settings.display());
    let mut terminal = Command::new("script");
    terminal.args(["-qfec", &command, "/dev/null"]).current_dir(site.folder.path());
    terminal.env_clear().env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh");
    Some(terminal)
}

#[test]
fn the_first_start_on_a_terminal_makes_an_admin_with_a_password_for_once() {
    let mut site = Site::install_without_user(&Plan::default());
    let Some(mut terminal) = on_a_terminal(&site) else { return };
    let mut child = terminal
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut told = None;
    for line in lines.by_ref() {
        if let Some((_, rest)) = line.split_once("sign in as admin with ") {
            told = rest.split_whitespace().next().map(str::to_owned);
        }
        if line.contains("pages at http://") {
            break;
        }
    }
    let password = told.expect("a password was told");
    let mut stdin = child.stdin.take().unwrap();
    let form = [("name", "admin"), ("password", &*password)];
    let entered = http::enter(site.web, &form);
    assert_eq!(entered, (303, "/me".to_owned()), "it has to be changed first");
    // Ctrl-C, since a service outlives its terminal.
    stdin.write_all(&[3]).unwrap();
    lines.for_each(drop);
    assert!(child.wait().unwrap().success());

    site.start_again();
    assert_eq!(site.stop(), Some(0));
    let log = site.log();
    assert!(!log.contains(&password) && !log.contains("sign in as"), "{log}");
}

#[test]
fn without_a_terminal_no_password_is_told_but_the_way_by_hand() {
    let mut site = Site::install_without_user(&Plan::default());
    site.start_again();
    assert_eq!(site.stop(), Some(0));
    let log = site.log();
    assert!(log.contains("upturn user add NAME --role admin"), "{log}");
    let listed = run(site.command(["user", "list", "--json"]), "");
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed, json!({ "people": [] }));
}

#[test]
fn a_trail_that_was_cut_and_mended_is_found_by_what_was_noted_elsewhere() {
    each_database(|database| {
        let mut site = Site::install(&Plan { database, ..Plan::default() });
        let notes = site.folder.path().join("heads").display().to_string();
        site.configure(&format!("[audit]\nhead_file = \"{notes}\"\n"));
        site.start_again();
        let page = http::Session::enter(site.web, http::USER, http::PASSWORD);
        assert_eq!(http::enter(site.web, &[("name", "somebody"), ("password", "no")]).0, 401);
        assert_eq!(http::enter(site.web, &[("name", http::USER), ("password", "no")]).0, 401);
        page.post("/logout", &[]);
        let trail = http::json(site.web, "/api/v1/audit?action=sign-");
        let told: Vec<_> = trail["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| (entry["action"].as_str().unwrap(), entry["subject"].as_str().unwrap()))
            .collect();
        let hashed = told[2].1;
        assert!(hashed.starts_with("unknown:") && hashed.len() == 24, "{hashed}");
        let us = format!("person:{}", http::USER);
        let expected = [
            ("sign-out", &*us),
            ("sign-in-refused", &*us),
            ("sign-in-refused", hashed),
            ("sign-in", &*us),
        ];
        assert_eq!(told, expected);
        site.stop();
        site.start_again();
        assert_eq!(
            wait_for("a note of the second start", || {
                let lines = std::fs::read_to_string(&notes).unwrap_or_default().lines().count();
                (lines == 2).then_some(lines)
            }),
            2
        );
        site.stop();
        let verify = || run(site.command(["audit", "verify", "--head", &notes]), "");
        assert_eq!(verify().status.code(), Some(0));

        site.execute(
            "DELETE FROM audit WHERE id = (SELECT MAX(id) FROM audit);
            UPDATE audit_head SET entries = entries - 1,
                digest = (SELECT digest FROM audit ORDER BY id DESC LIMIT 1)",
        );
        let alone = run(site.command(["audit", "verify"]), "");
        assert_eq!(alone.status.code(), Some(0), "it is sound in itself");
        let said = String::from_utf8(verify().stdout).unwrap();
        assert!(said.contains("it never was what was noted"), "{said}");
        assert_eq!(verify().status.code(), Some(1));
    });
}

/// Adds somebody, and returns a token that reads for them.
fn somebody(site: &Site, id: &str, more: &[&str]) -> String {
    let mut add = site.command(["user", "add", id]);
    add.args(more);
    let added = run(add, "a password of somebody");
    assert!(added.status.success(), "{added:?}");
    let made = run(site.command(["user", "token", "create", id, "--scope", "read"]), "");
    assert!(made.status.success(), "{made:?}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_task_is_seen_by_those_of_its_region_team_and_owner() {
    each_database(|database| {
        let rules = vec![THREE_FAILURES.to_owned()];
        let mut site = Site::install(&Plan { database, rules, ..Plan::default() });
        let registry = site.folder.path().join("registry");
        std::fs::create_dir(&registry).unwrap();
        let tables = [
            ("people.csv", "id,name,manager,team\nzoe,Zoë,lead,advisors\nlead,Lead,,\n"),
            ("accounts.csv", "id,name,owner\nacme,Acme,zoe\n"),
            ("sites.csv", "id,name,account,region\nnorth,North,acme,east\n"),
            ("devices.csv", "id,model,site\nEVSE-1,X7,north\n"),
        ];
        for (name, text) in tables {
            std::fs::write(registry.join(name), text).unwrap();
        }
        let settings = site.folder.path().join("upturn.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        let text = format!("{text}[registry]\ndir = \"{}\"\n", registry.display());
        std::fs::write(&settings, text).unwrap();
        let manager = &["--role", "sales-manager"][..];
        let region = |region| [manager, &["--region", region]].concat();
        // Zoë has no sign-in: the registry says which team she is in, and who is above her.
        let seen_by = [
            ("east", somebody(&site, "east", &region("east")), 1),
            ("west", somebody(&site, "west", &region("west")), 0),
            ("team", somebody(&site, "team", &[manager, &["--team", "advisors"]].concat()), 1),
            ("lead", somebody(&site, "lead", manager), 1),
            ("sales", somebody(&site, "sales", &["--role", "sales", "--team", "advisors"]), 0),
            ("auditor", somebody(&site, "auditor", &["--role", "auditor"]), 1),
        ];
        site.start_again();
        let device = Device::new(site.mqtt, "EVSE-1");
        for number in 1..=3 {
            let event = json!({ "id": number.to_string(), "kind": "charge_failed" });
            assert!(device.publishes("devices/EVSE-1/events", 1, &event.to_string()));
        }
        let task = &site.until_tasks(1)[0];
        assert_eq!(task["region"], json!("east"), "{task}");
        let page = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
        for (who, token, count) in &seen_by {
            let (status, list) = http::get_as(site.web, "/api/v1/tasks", token).unwrap();
            let list: Value = serde_json::from_str(&list).unwrap();
            assert_eq!((status, list["tasks"].as_array().unwrap().len()), (200, *count), "{who}");
            let (status, _) = http::get_as(site.web, &page, token).unwrap();
            assert_eq!(status, if *count == 1 { 200 } else { 404 }, "{who}");
        }

        // Who is kept out by a command is out at once, while the program runs.
        let (_, token, _) = &seen_by[0];
        let disabled = run(site.command(["user", "disable", "east"]), "");
        assert!(disabled.status.success(), "{disabled:?}");
        wait_for("the door to close", || {
            let (status, _) = http::get_as(site.web, "/api/v1/tasks", token)?;
            (status == 401).then_some(())
        });

        let verified = run(site.command(["audit", "verify", "--json"]), "");
        let head: Value = serde_json::from_slice(&verified.stdout).unwrap();
        assert_eq!((verified.status.code(), &head["whole"]), (Some(0), &json!(true)), "{head}");
        site.execute("UPDATE audit SET actor = 'eve' WHERE id = 2");
        let verified = run(site.command(["audit", "verify"]), "");
        let said = String::from_utf8(verified.stdout).unwrap();
        assert_eq!(verified.status.code(), Some(1), "{said}");
        assert!(said.contains("entry 2"), "{said}");
    });
}
