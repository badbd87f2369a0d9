//! `OpenSMTPD`, and aiosmtpd for what needs TLS.

use std::path::Path;
use std::process::Command;
use std::sync::Once;

use serde_json::{Value, json};
use tempfile::TempDir;
use upturn_connectors::deliver::letter::Recipient;
use upturn_connectors::deliver::{KINDS, Letter};
use upturn_tests::binary::wait_for;
use upturn_tests::certificates::Authority;
use upturn_tests::proxy::{Proxy, Upstream};
use upturn_tests::target::Target;

use super::{
    channel, files_in, is_later, is_refused, letter, now, says_no_secret, secret, surroundings,
};

static SAID: [Once; 2] = [Once::new(), Once::new()];

fn to(email: &str, mut letter: Letter) -> Letter {
    let (id, name) = ("rep-1".to_owned(), Some("林 Mei".to_owned()));
    letter.recipient = Some(Recipient { id, name, email: Some(email.to_owned()) });
    letter
}

/// Reads a message as a mail program does.
const READER: &str = "import email, email.policy, json, sys\n\
    m = email.message_from_bytes(open(sys.argv[1], 'rb').read(), policy=email.policy.default)\n\
    d = {k.lower(): str(v) for k, v in m.items()}\n\
    d['plain'] = m.get_body(('plain',)).get_content()\n\
    d['html'] = m.get_body(('html',)).get_content()\n\
    print(json.dumps(d))";

/// Returns what a mail program makes of the messages in the Maildir, oldest first.
fn read(maildir: &Path, count: usize) -> Vec<Value> {
    let files = wait_for("the mail", || {
        let mut files = files_in(&maildir.join("new"), "");
        files.sort_by_key(|path| path.metadata().unwrap().modified().unwrap());
        (count <= files.len()).then_some(files)
    });
    assert_eq!(files.len(), count);
    let read = |path| {
        let read = Command::new("python3").args(["-c", READER]).arg(path).output().unwrap();
        serde_json::from_slice(&read.stdout).unwrap()
    };
    files.iter().map(read).collect()
}

#[tokio::test]
async fn a_message_arrives_as_it_was_written_and_refusals_are_told_apart() {
    let Some(target) = Target::start("opensmtpd", &[], &SAID[0]) else { return };
    let settings = json!({
        "host": "127.0.0.1", "port": target.port("PLAIN"), "security": "none",
        "from": "Upturn <upturn@example.com>", "to": "team@example.com",
    });
    let mail = channel("email", &settings);
    mail.test(now()).await.unwrap();
    let maildir = Path::new(target.get("MAIL"));
    assert_eq!(files_in(&maildir.join("new"), "").len(), 0, "a test sends nothing");

    let first = to("rep@example.com", letter("task-created", "t1", "a"));
    let receipt = mail.send(&first, now()).await.unwrap();
    let mut second = letter("task-done", "t1", "b");
    second.remote = receipt.remote;
    mail.send(&second, now()).await.unwrap();
    let read = read(maildir, 2);
    assert_eq!(read[0]["subject"], "新任务：连续三次充电失败（EVSE-0042）");
    assert_eq!(read[0]["to"], "林 Mei <rep@example.com>");
    assert_eq!(read[0]["message-id"], format!("<{}@example.com>", first.key));
    assert_eq!(read[0]["auto-submitted"], "auto-generated");
    assert!(read[0]["plain"].as_str().unwrap().contains("截止：2026-01-20 18:00 Asia/Shanghai"));
    assert!(read[0]["html"].as_str().unwrap().contains("<td>EVSE-0042</td>"));
    assert_eq!(read[1]["to"], "team@example.com", "it is for nobody in particular");
    assert_eq!(read[1]["in-reply-to"], read[0]["message-id"]);
    let thread = read[0]["references"].as_str().unwrap();
    assert!(read[1]["references"].as_str().unwrap().contains(thread), "one thread");

    let busy = mail.send(&to("busy@example.com", first.clone()), now()).await.unwrap_err();
    assert!(is_later(&busy) && busy.to_string().contains("451"), "{busy}");
    let other = mail.send(&to("rep@elsewhere.example", first.clone()), now()).await.unwrap_err();
    assert!(is_refused(&other) && other.to_string().contains("550"), "{other}");

    let line = Proxy::to(Upstream::Port(target.port("PLAIN")));
    let mut through = settings.clone();
    through["port"] = json!(line.port);
    line.lose_answers();
    let lost = channel("email", &through).send(&first, now()).await.unwrap_err();
    assert!(is_later(&lost), "{lost}");

    let kind = KINDS.iter().find(|kind| kind.name == "email").unwrap();
    let unlisted = (kind.build)(&settings, &surroundings(&[])).unwrap_err();
    assert!(unlisted.to_string().contains("allow_private"), "no plain text to anybody: {unlisted}");
    let mut guarded = settings;
    guarded["security"] = json!("starttls");
    let guarded = (kind.build)(&guarded, &surroundings(&[])).unwrap();
    let refused = guarded.send(&first, now()).await.unwrap_err();
    assert!(refused.to_string().contains("not a public address"), "{refused}");
}

#[tokio::test]
async fn tls_is_checked_by_the_name_and_passwords_stay_hidden() {
    let folder = TempDir::new().unwrap();
    let files = Authority::new("test").issue("mail", folder.path());
    let Some(target) = Target::start("aiosmtpd", &[&files.cert, &files.key], &SAID[1]) else {
        return;
    };
    let canary = "wrong-S3CR3T-canary";
    let right = secret(&folder, "right", target.get("PASSWORD"));
    let wrong = secret(&folder, "wrong", canary);
    let maildir = Path::new(target.get("MAIL"));
    for (arrived, security, port) in [(1, "starttls", "STARTTLS"), (2, "tls", "TLS")] {
        let settings = json!({
            "host": "127.0.0.1", "port": target.port(port), "security": security,
            "from": "upturn@example.com", "to": "team@example.com", "user": target.get("LOGIN"),
            "password_file": right, "ca_file": files.ca,
        });
        let mail = channel("email", &settings);
        let said = mail.test(now()).await.unwrap();
        assert!(said.contains("with TLS and took the password"), "{said}");
        mail.send(&letter("task-created", "t1", security), now()).await.unwrap();
        assert_eq!(read(maildir, arrived).len(), arrived, "case: {security}");

        let changed = |name: &str, value: Value| {
            let mut settings = settings.clone();
            settings[name] = value;
            settings
        };
        let cases = [
            ("a wrong password", changed("password_file", json!(wrong)), "check user and password"),
            ("another name", changed("host", json!("localhost")), "certificate"),
            ("an unknown authority", changed("ca_file", Value::Null), "certificate"),
        ];
        for (case, settings, expected) in cases {
            let mail = channel("email", &settings);
            let failure = mail.send(&letter("task-created", "t2", case), now()).await.unwrap_err();
            let said = failure.to_string().to_lowercase();
            assert!(is_later(&failure) && said.contains(expected), "{security}, {case}: {failure}");
            says_no_secret(canary, &*mail, &failure);
            says_no_secret(target.get("PASSWORD"), &*mail, &failure);
        }
    }
    assert_eq!(files_in(&maildir.join("new"), "").len(), 2);
}
