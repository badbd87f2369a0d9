//! What the commands say, and what they leave behind.

use chrono::TimeDelta;
use tempfile::TempDir;

use super::*;
use crate::auth::rights::TokenScope;
use crate::auth::token as tokens;
use crate::clock::SystemClock;
use crate::store::api_token;
use crate::store::person::NewPerson;

/// What anna's password is stored as before a command runs.
const BEFORE: &str = "before";

/// Returns a store that knows only anna, and the folder it lives as long as.
async fn only_anna() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("upturn.db").display());
    let store = Store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    let anna = NewPerson {
        id: "anna".into(),
        profile: Profile { roles: [Role::Sales].into(), ..Profile::default() },
        password_hash: BEFORE.into(),
        is_given: false,
        created_at: SystemClock.now(),
    };
    let mut tx = store.begin().await.unwrap();
    assert!(person::create(&mut tx, &anna).await.unwrap());
    tx.commit().await.unwrap();
    (folder, store)
}

async fn stored_hash(store: &Store, name: &str) -> Option<String> {
    person::credentials(store, name).await.unwrap().map(|stored| stored.password_hash)
}

async fn said(store: &Store, command: &Command, password: &str) -> Result<String, String> {
    let mut output = Vec::new();
    let registered = Registry::default();
    let by = By { actor: CONSOLE, at: SystemClock.now() };
    let place = Place { store, registered: &registered, by, output: &mut output };
    let done = change(command, password.to_owned(), place).await;
    done.map(|()| String::from_utf8(output).unwrap()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn says_what_it_did_or_why_it_did_nothing() {
    let add = |name: &str| {
        Command::Add(AddArgs {
            name: name.to_owned(),
            roles: vec![Role::Admin],
            ..AddArgs::default()
        })
    };
    let passwd = |name: &str| Command::Passwd { name: name.to_owned(), once: true };
    let cases = [
        (add("bob"), "correct horse", Ok("bob can sign in\n")),
        (
            add("anna"),
            "correct horse",
            Err("there already is a user anna; `upturn user passwd anna` changes the password"),
        ),
        (
            passwd("anna"),
            "correct horse",
            Ok("anna has a new password and was logged out everywhere\n"),
        ),
        (
            passwd("bob"),
            "correct horse",
            Err("there is no user bob; `upturn user add bob` makes one"),
        ),
        (add("bob"), "too short", Err("a password needs at least 10 characters; this one has 9")),
    ];
    for (command, password, expected) in cases {
        let (_folder, store) = only_anna().await;
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(said(&store, &command, password).await, expected, "case: {command:?}");

        let (Command::Add(AddArgs { name, .. }) | Command::Passwd { name, .. }) = &command else {
            panic!("no password: {command:?}")
        };
        let stored = stored_hash(&store, name).await;
        if expected.is_ok() {
            let hash = stored.unwrap_or_default();
            assert!(hash.starts_with("$argon2id$"), "case: {command:?}");
        } else {
            let before = (name == "anna").then_some(BEFORE);
            assert_eq!(stored.as_deref(), before, "case: {command:?}");
        }
        store.close().await;
    }
}

#[tokio::test]
async fn changes_roles_keeps_out_lets_in_and_leaves_a_trail() {
    let (_folder, store) = only_anna().await;
    let anna = || "anna".to_owned();
    let roles = vec![Role::Operations, Role::Auditor];
    let cases = [
        (Command::Role { name: anna(), roles }, "anna: operations, auditor\n"),
        (Command::Role { name: anna(), roles: vec![] }, "anna: no roles\n"),
        (Command::Disable { name: anna() }, "anna is kept out and was logged out everywhere\n"),
        (Command::Enable { name: anna() }, "anna can sign in again\n"),
    ];
    for (command, expected) in cases {
        assert_eq!(said(&store, &command, "").await.as_deref(), Ok(expected));
    }
    let trail = crate::store::audit::of_subject(&store, "person:anna").await.unwrap();
    let actions: Vec<&str> = trail.iter().map(|entry| &*entry.action).collect();
    let expected = ["person-changed", "person-changed", "person-disabled", "person-enabled"];
    assert_eq!(actions, expected);
    assert!(trail.iter().all(|entry| entry.actor == CONSOLE));
}

#[tokio::test]
async fn a_token_is_printed_once_listed_and_revoked() {
    let (folder, store) = only_anna().await;
    let create = token::Command::Create {
        name: "anna".into(),
        scopes: vec![TokenScope::Read],
        days: 7,
        label: "import".into(),
    };
    let printed = said(&store, &Command::Token(create), "").await.unwrap();
    let made = printed.trim();
    assert!(made.starts_with("upt_") && made.len() == 47, "{made}");
    let now = SystemClock.now();
    let found = api_token::take(&store, &tokens::hash(made), now).await.unwrap().unwrap();
    assert_eq!(found.expires_at - found.created_at, TimeDelta::days(7));

    let list = Command::Token(token::Command::List { name: None });
    let listed = said(&store, &list, "").await.unwrap();
    assert!(listed.contains(&found.id) && listed.contains("valid"), "{listed}");
    assert!(!listed.contains("upt_"), "{listed}");
    let revoke = Command::Token(token::Command::Revoke { id: found.id.clone() });
    let revoked = format!("the token {} is revoked\n", found.id);
    assert_eq!(said(&store, &revoke, "").await, Ok(revoked));
    let gone = format!("there is no token {} that is not revoked", found.id);
    assert_eq!(said(&store, &revoke, "").await, Err(gone));
    assert_eq!(api_token::take(&store, &tokens::hash(made), now).await.unwrap(), None);

    store.close().await;
    let file = std::fs::read(folder.path().join("upturn.db")).unwrap();
    assert!(!String::from_utf8_lossy(&file).contains("upt_"), "only the hash is stored");
}

#[test]
fn reads_one_line_as_the_password() {
    let cases = [
        ("correct horse\nmore\n", Some("correct horse")),
        ("correct horse\r\n", Some("correct horse")),
        (" correct horse ", Some(" correct horse ")),
        ("\n", None),
        ("", None),
    ];
    for (input, expected) in cases {
        let read = read_password(&mut input.as_bytes());
        assert_eq!(read.ok().as_deref(), expected, "case: {input:?}");
    }
}
