//! Secrets stay secret: each is a text that stands nowhere else, and is looked for in everything the
//! program says while everything goes wrong.
//!
//! The database and its backups hold what they must: hashes of passwords, tokens and sessions, and
//! nothing of what letters are sent with. They are not looked through here.

mod ring;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use upturn_tests::binary::{free_port, run, wait_for};
use upturn_tests::broker::Mosquitto;
use upturn_tests::http::{self, Session};
use upturn_tests::site::{Plan, Site, connect, each_database};
use upturn_tests::stranger::{Asked, Reply, Stranger, answer};

use self::ring::Ring;

/// A ticket becomes a task.
const RULE: &str = r#"
id = "ticket"
kind = "trigger"
title = { en = "Ticket opened" }

[when]
pattern = "consecutive"
event = "ticket_opened"
times = 1
within = "7d"

[[then]]
task = "call"
title = { en = "Call the customer" }
"#;

/// What each kind of destination needs, with its port as `PORT`; files in angle brackets hold a secret,
/// or an address that is one.
const KINDS: [(&str, &str); 9] = [
    ("webhook", "url_file = <address>\nsecret_files = [<whsec_>]"),
    ("wecom", "url_file = <address>"),
    ("dingtalk", "url_file = <address>\nsecret_file = <SEC>"),
    ("feishu", "url_file = <address>\nsecret_file = <>"),
    ("caldav", "collection = \"http://127.0.0.1:PORT/c/\"\nuser = \"upturn\"\npassword_file = <>"),
    ("tryton", "url = \"http://127.0.0.1:PORT/company\"\nkey_file = <>"),
    ("odoo", "url = \"http://127.0.0.1:PORT\"\nkey_file = <>\n[settings.keeps.lead]"),
    ("hubspot", "url = \"http://127.0.0.1:PORT\"\ntoken_file = <>"),
    ("salesforce", "url = \"http://127.0.0.1:PORT\"\nclient_id_file = <>\nclient_secret_file = <>"),
];

const EMAIL: &str = "host = \"127.0.0.1\"\nport = PORT\nsecurity = \"none\"\nuser = \"upturn\"\n\
    password_file = <>\nfrom = \"a@example.com\"\nto = \"b@example.com\"";

/// Everything the program said, by where.
type Said = BTreeMap<String, String>;

/// Repeats what was asked, as a server in trouble may, in every member that somebody might quote.
fn echo(status: &str, asked: &Asked) -> Reply {
    let Asked { head, body } = asked;
    let path = head.split(' ').nth(1).unwrap_or_default();
    let key = head.lines().find_map(|line| line.split_once("uthorization: "));
    let id = key.map_or(path, |(_, key)| key);
    let words = format!("{head}\n{body}");
    let told = json!({
        "id": id, "Id": id, "name": id, "url": format!("https://crm.example{path}"),
        "errcode": 310_000, "code": 19_021, "errmsg": words, "msg": words, "message": words,
        "error": words, "error_description": words,
    });
    answer(status, "application/json", &told.to_string())
}

/// Starts a server for each way to fail; returns them with their names. `token` is what one of them lets
/// a program in with.
fn strangers(token: &str) -> Vec<(&'static str, Stranger)> {
    let token = token.to_owned();
    let grants = move |asked: &Asked| {
        if asked.head.contains("/token") {
            let granted = json!({ "access_token": token, "token_type": "Bearer" });
            return answer("200 OK", "application/json", &granted.to_string());
        }
        echo("500 Oops", asked)
    };
    let moved = |asked: &Asked| {
        let path = asked.head.split(' ').nth(1).unwrap_or_default();
        let head = format!("HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1{path}\r\n");
        Reply::Bytes(format!("{head}Content-Length: 0\r\n\r\n").into_bytes())
    };
    vec![
        (
            "page",
            Stranger::http(|asked| {
                answer("200 OK", "text/html", &format!("<html>{}</html>", asked.head))
            }),
        ),
        ("moved", Stranger::http(moved)),
        ("oops", Stranger::http(grants)),
        ("denied", Stranger::http(|asked| echo("401 No", asked))),
        ("taken", Stranger::http(|asked| echo("200 OK", asked))),
    ]
}

/// Writes a destination and the route to it.
fn destination(site: &Site, ring: &mut Ring, (kind, id, port): (&str, &str, u16), settings: &str) {
    let folder = site.folder.path().join("delivery");
    let settings = ring.fill(id, &settings.replace("PORT", &port.to_string()), port);
    let text =
        format!("id = \"{id}\"\nkind = \"{kind}\"\ntitle = {{ en = \"{id}\" }}\n[settings]\n");
    write(&folder.join(format!("destinations/{id}.toml")), &format!("{text}{settings}\n"));
    let route = format!("id = \"{id}\"\non = [\"task-created\"]\nto = \"{id}\"\nhold = \"1ms\"\n");
    write(&folder.join(format!("routes/{id}.toml")), &route);
}

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Installs everything that can fail, and returns the ids of the destinations.
fn install(
    ring: &mut Ring,
    database: Option<String>,
    broker: Option<&Mosquitto>,
) -> (Site, BTreeSet<String>, Vec<Stranger>) {
    let password = ring.secret_file("mqtt-password");
    let login = format!("username = \"upturn\"\npassword_file = \"{password}\"");
    let doors = broker.and_then(|broker| connect(broker.port, &login));
    let rules = vec![RULE.to_owned()];
    let site = Site::install(&Plan { database, rules, doors, ..Plan::default() });
    let dir = site.folder.path().join("delivery").display().to_string();
    site.configure(&format!(
        "[delivery]\ndir = \"{dir}\"\n[http]\nallow_private = [\"127.0.0.1\"]\n\
         [log]\nlevel = \"trace\"\n"
    ));

    let mut ids = BTreeSet::new();
    let granted = ring.cut("granted-token");
    let manners = strangers(&granted);
    let closed = ("closed", free_port());
    let ports = manners.iter().map(|(name, stranger)| (*name, stranger.port)).chain([closed]);
    for (manner, port) in ports {
        for (kind, settings) in KINDS {
            let id = format!("{kind}-{manner}");
            destination(&site, ring, (kind, &id, port), settings);
            ids.insert(id);
        }
    }
    destination(&site, ring, ("email", "email", Stranger::mail().port), EMAIL);
    destination(&site, ring, ("mqtt", "mqtt", 0), "topic = \"told/{device}\"");
    ids.extend(["email".to_owned(), "mqtt".to_owned()]);
    (site, ids, manners.into_iter().map(|(_, stranger)| stranger).collect())
}

/// Returns what a command says.
fn command<const N: usize>(site: &Site, said: &mut Said, arguments: [&str; N]) {
    let mut command = site.command(arguments);
    command.env("UPTURN_LOG__LEVEL", "trace");
    let output = run(command, "");
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    said.insert(format!("$ upturn {}", arguments.join(" ")), text.concat());
}

/// Follows every link from the first page on, as somebody with `session`.
fn crawl(session: &Session, who: &str, said: &mut Said) {
    let mut wanted: Vec<String> =
        ["/", "/tasks", "/destinations", "/dead-letters", "/audit", "/me"]
            .map(str::to_owned)
            .to_vec();
    let mut seen: BTreeSet<String> = wanted.iter().cloned().collect();
    while let Some(path) = wanted.pop() {
        let (status, page) = session.get(&path);
        for link in page.split("href=\"/").skip(1).filter_map(|rest| rest.split('"').next()) {
            let link = format!("/{}", link.replace("&amp;", "&"));
            if seen.len() < 200 && seen.insert(link.clone()) {
                wanted.push(link);
            }
        }
        said.insert(format!("{who}: {path} {status}"), page);
    }
}

/// Asks for everything that the API says can be asked for.
fn ask(site: &Site, token: &str, who: &str, said: &mut Said) {
    let get = |path: &str| http::get_as(site.web, path, token).unwrap().1;
    let read = |path: &str| serde_json::from_str::<Value>(&get(path)).unwrap();
    let described = read("/api/v1/openapi.json");
    let task = read("/api/v1/tasks")["tasks"][0]["id"].as_str().unwrap_or("none").to_owned();
    for (path, methods) in described["paths"].as_object().unwrap() {
        if methods.get("get").is_none() {
            continue;
        }
        let id = if path.contains("/tasks/") { &*task } else { "ticket" };
        let path = path.replace("{id}", id);
        said.insert(format!("{who}: {path}"), get(&path));
    }
    for path in ["/metrics", "/readyz", "/healthz", "/api/v1/letters?limit=500"] {
        said.insert(format!("{who}: {path}"), get(path));
    }
}

/// Adds somebody; returns their session and a token of theirs.
fn somebody(site: &Site, ring: &mut Ring, role: &str) -> (Session, String) {
    let password = ring.cut(&format!("{role}-password"));
    let added = run(site.command(["user", "add", role, "--role", role]), &password);
    assert!(added.status.success(), "{added:?}");
    let made = run(site.command(["user", "token", "create", role, "--scope", "read"]), "");
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    ring.add(&format!("{role}-token"), &token);
    let session = Session::enter(site.web, role, &password);
    ring.add(&format!("{role}-session"), session.secret());
    (session, token)
}

#[test]
fn no_secret_is_in_anything_the_program_says() {
    each_database(|database| {
        let mut ring = Ring::new();
        let password = ring.cut("database-password");
        let database =
            database.map(|url| url.replace("postgres@", &format!("postgres:{password}@")));
        let mut broker = Mosquitto::start();
        let (mut site, ids, strangers) = install(&mut ring, database, broker.as_ref());
        site.start_again();
        let (auditor, auditors_token) = somebody(&site, &mut ring, "auditor");
        let ours = Session::enter(site.web, http::USER, http::PASSWORD);
        ring.add("session", ours.secret());
        ring.add("token", http::TOKEN);
        ring.add("password", http::PASSWORD);
        give_passwords(&ours, &mut ring);

        let event = json!([{ "id": "T-1", "kind": "ticket_opened", "device": "EVSE-1",
            "ts": "2025-01-20T08:00:00Z" }]);
        let posted = http::post(site.web, "/api/v1/events", &event).unwrap();
        assert_eq!(posted.0, 200, "{posted:?}");
        if let Some(broker) = &mut broker {
            broker.stop();
        }
        until_tried(&site, &ids);

        let heard: Said = strangers
            .iter()
            .flat_map(Stranger::asked)
            .enumerate()
            .map(|(number, asked)| (number.to_string(), format!("{}\n{}", asked.head, asked.body)))
            .collect();
        let heard = ring.find_in(&heard);
        for (kind, _) in KINDS {
            assert!(heard.iter().any(|found| found.starts_with(kind)), "{kind} sends no secret");
        }

        let mut said = Said::new();
        for id in &ids {
            let path = format!("/api/v1/destinations/{id}/test");
            let tested = http::post(site.web, &path, &json!({})).unwrap();
            said.insert(path, format!("{tested:?}"));
            let heard = http::post(site.web, &format!("/api/v1/hooks/{id}"), &json!({})).unwrap();
            said.insert(format!("hook {id}"), format!("{heard:?}"));
            let page = ours.post(&format!("/destinations/{id}/test"), &[]);
            said.insert(format!("/destinations/{id}/test"), page.1);
        }
        // The second tries look for what the first ones may have left.
        run(site.command(["outbox", "retry", "--parked", "webhook-oops"]), "");
        crawl(&ours, "we", &mut said);
        crawl(&auditor, "auditor", &mut said);
        ask(&site, http::TOKEN, "we", &mut said);
        ask(&site, &auditors_token, "auditor", &mut said);
        commands(&site, &mut ring, &mut said);
        wrong_documents(&site, &mut ring, &mut said);
        site.stop();
        said.insert("the log".to_owned(), site.log());
        assert!(80 < said.len() && said["the log"].contains("DEBUG"), "{:?}", said.keys());
        let told = ring.find_in(&said);
        assert!(told.is_empty(), "{told:#?}");
    });
}

/// Waits until every destination was tried, whatever came of it.
fn until_tried(site: &Site, ids: &BTreeSet<String>) {
    wait_for("a try of every destination", || {
        let all = http::json(site.web, "/api/v1/destinations");
        let tried = all["destinations"].as_array().unwrap().iter().filter(|one| {
            one["last_error"].is_string() || one["worked_at"].is_string() || one["parked"] == 1
        });
        (tried.count() == ids.len()).then_some(())
    });
}

/// Has passwords and tokens told once, to whoever made them.
fn give_passwords(ours: &Session, ring: &mut Ring) {
    let (_, page) = ours.post("/people", &[("id", "novice"), ("role", "sales")]);
    ring.add("one-time-password", secret_on(&page));
    let (_, page) = ours.post("/me/tokens", &[("label", "x"), ("scope", "read"), ("days", "30")]);
    ring.add("token-of-a-page", secret_on(&page));
}

fn secret_on(page: &str) -> &str {
    let rest = page.split_once("class=\"secret\">").unwrap().1;
    rest.split('<').next().unwrap()
}

fn commands(site: &Site, ring: &mut Ring, said: &mut Said) {
    command(site, said, ["outbox", "list", "--limit", "500"]);
    command(site, said, ["outbox", "list", "--limit", "500", "--json"]);
    command(site, said, ["config", "print"]);
    command(site, said, ["doctor"]);
    command(site, said, ["check"]);
    command(site, said, ["rules", "list"]);
    command(site, said, ["user", "list", "--json"]);
    command(site, said, ["audit", "verify", "--json"]);
    command(site, said, ["migrate", "status"]);
    command(site, said, ["backup", "/nowhere/at/all"]);
    command(site, said, ["export", "events", "events.csv"]);
    let exported = std::fs::read(site.folder.path().join("events.csv")).unwrap_or_default();
    said.insert("events.csv".to_owned(), String::from_utf8_lossy(&exported).into_owned());

    // A database that is not there, with its password in the address and in a file.
    let password = ring.cut("password-of-a-url");
    let address = format!("postgres://upturn:{password}@127.0.0.1:{}/upturn", free_port());
    let bare = format!("postgres://upturn@127.0.0.1:{}/upturn", free_port());
    let file = ring.secret_file("password-of-a-file");
    for (name, url, file) in [("url", &address, None), ("file", &bare, Some(file))] {
        for arguments in [["config", "print"], ["outbox", "list"], ["migrate", "status"]] {
            let mut command = site.command(arguments);
            command.env("UPTURN_STORE__URL", url).env("UPTURN_LOG__LEVEL", "trace");
            if let Some(file) = &file {
                command.env("UPTURN_STORE__PASSWORD_FILE", file);
            }
            let text = format!("{:?}", run(command, ""));
            said.insert(format!("{} of another database, by {name}", arguments.join(" ")), text);
        }
    }
    // A broker that sends back what it is sent.
    let file = ring.secret_file("password-of-a-strange-broker");
    for name in ["serve", "doctor"] {
        let mut command = site.command([name]);
        let url = format!("mqtt://127.0.0.1:{}", Stranger::echo().port);
        command.env("UPTURN_STORE__URL", "sqlite:other.db").env("UPTURN_LOG__LEVEL", "trace");
        command.env("UPTURN_MQTT__CONNECT__URL", url);
        command.env("UPTURN_MQTT__CONNECT__USERNAME", "upturn");
        command.env("UPTURN_MQTT__CONNECT__PASSWORD_FILE", &file);
        said.insert(format!("{name} at a strange broker"), format!("{:?}", run(command, "")));
    }
}

/// Has documents refused whose secrets are no such secrets.
fn wrong_documents(site: &Site, ring: &mut Ring, said: &mut Said) {
    let wrong = [
        ("webhook", "url_file = <ftp://>\nsecret_files = [<whsec_>]"),
        ("webhook", "url_file = <https://user:>\nsecret_files = [<whsec_>]"),
        ("webhook", "url_file = <>\nsecret_files = [<whsec_>]"),
        ("webhook", "url = \"https://crm.example/\"\nsecret_files = [<no key: >]"),
        ("wecom", "url_file = <http://192.168.0.1/>"),
        ("hubspot", "token_file = <\u{7}>"),
        (
            "salesforce",
            "url = \"http://x\"\nclient_id_file = <\u{7}>\nclient_secret_file = <\u{7}>",
        ),
    ];
    for (number, (kind, settings)) in wrong.into_iter().enumerate() {
        destination(site, ring, (kind, &format!("wrong-{number}"), 0), settings);
    }
    let refused = http::post(site.web, "/api/v1/rules/reload", &json!({})).unwrap();
    assert_eq!(refused.0, 422, "{refused:?}");
    said.insert("a reload".to_owned(), format!("{refused:?}"));
    let mut checking = Said::new();
    command(site, &mut checking, ["check"]);
    said.extend(checking.into_iter().map(|(name, text)| (format!("{name}, of wrong ones"), text)));
}
