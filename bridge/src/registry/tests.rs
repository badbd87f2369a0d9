//! Tests of reading the registry: files in, registry or problems out.

use chrono::NaiveDate;
use tempfile::TempDir;
use upturn_core::calendar::Calendar;

use super::*;

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// What is wrong, without the folder's own name.
fn problems(files: &[(&str, &[u8])]) -> Vec<String> {
    let folder = folder(files);
    let problems = load(folder.path()).unwrap_err().to_string();
    let prefix = format!("{}/", folder.path().display());
    problems.lines().map(|line| line.replace(&prefix, "")).collect()
}

#[test]
fn the_sample_in_deploy_is_sound_and_answers_who_owns_a_device() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/registry");
    let registry = load(&sample).unwrap();
    let owner = |id: &str| registry.known().find_owner_of(&DeviceId::new(id).unwrap());
    assert_eq!(owner("EVSE-0042"), Some("advisor-east"));
    assert_eq!(owner("EVSE-0043"), Some("advisor-eu"), "by its site's account");
    assert_eq!(owner("unknown"), None);
    let make_up_day = NaiveDate::from_ymd_opt(2025, 1, 26).unwrap();
    assert!(!registry.calendar.hours_on(make_up_day).is_day_off());
}

#[test]
fn takes_columns_in_any_order_with_the_quirks_of_spreadsheets() {
    let devices = "\u{feff}site,id, model \r\n\
                   depot,EVSE-1,\"X7, long\"\r\n\
                   ,EVSE-2,\r\n\
                   ,,\r\n\
                   \r\n\
                   \"depot\",\"EVSE-3\",\"say \"\"X9\"\"\"";
    let sites = "name,id\nSüd,x\nDepot,depot\n";
    let folder = folder(&[("devices.csv", devices.as_bytes()), ("sites.csv", sites.as_bytes())]);
    let registry = load(folder.path()).unwrap();
    let found: Vec<_> = registry
        .devices
        .iter()
        .map(|(id, device)| (id.as_str(), &*device.model, device.site.as_deref()))
        .collect();
    let expected = [
        ("EVSE-1", "X7, long", Some("depot")),
        ("EVSE-2", "", None),
        ("EVSE-3", "say \"X9\"", Some("depot")),
    ];
    assert_eq!(found, expected);
    assert_eq!(&*registry.sites["x"].name, "Süd");
    assert!(registry.people.is_empty());
    assert_eq!(registry.calendar, Calendar::default());
}

#[test]
fn lists_everything_that_is_wrong_with_file_and_line() {
    let found = problems(&[
        ("people.csv", b"id,name,manager,substitute\na,A,b,a\nb,B,a,nobody\n,C,,\na,A2,,\nd,,,\n"),
        ("accounts.csv", b"id,name,owner\nacme,Acme,zoe\n\npool:x,X,\n"),
        ("sites.csv", b"id,name,account\ns,S,none\n"),
        ("devices.csv", b"id,model,site\nE#1,X7,s\nE-2,X7,t\nE-2,X7,s\n,X7,\nE-3,X7\n"),
        ("calendar.toml", b"zone = \"UTC\"\nrevision = \"1\"\n[week]\nmon = [\"9-17\"]\n"),
        ("device.csv", b"id,model\n"),
        ("notes.txt", b"of no interest"),
    ]);
    let expected = [
        "device.csv: no table of the registry; there are devices.csv, sites.csv, accounts.csv, \
         contacts.csv, people.csv, calendar.toml, hand-overs.toml",
        "calendar.toml:4: '9-17' is no range of hours; write it as \"09:00-17:30\"",
        "people.csv:4: the id is empty; give the row one",
        "people.csv:5: id 'a' stands on line 2 too; remove one of the rows",
        "people.csv:6: the name is empty; people read it, so write one",
        "people.csv:2: 'a' is their own substitute; name somebody else or nobody",
        "people.csv:2: 'a' is their own manager's superior; break the circle",
        "people.csv:3: substitute 'nobody' is not in people.csv; add it there or correct the cell",
        "people.csv:3: 'b' is their own manager's superior; break the circle",
        "accounts.csv:2: owner 'zoe' is not in people.csv; add it there or correct the cell",
        "accounts.csv:4: \"pool:x\" is no id; use at most 128 bytes, no control characters, and \
         do not begin with 'pool:'",
        "sites.csv:2: account 'none' is not in accounts.csv; add it there or correct the cell",
        "devices.csv:2: device id contains '#'; use letters, digits, '-', '_', '.', ':', '*' or '@'",
        "devices.csv:3: site 't' is not in sites.csv; add it there or correct the cell",
        "devices.csv:4: id 'E-2' stands on line 3 too; remove one of the rows",
        "devices.csv:5: device id has 0 bytes, not 1 to 128; use letters, digits, '-', '_', '.', \
         ':', '*' or '@'",
        "devices.csv:6: 2 cells under 3 columns; quote a cell that holds a comma",
    ];
    assert_eq!(found, expected);
}

#[test]
fn knows_where_mail_reaches_people_and_what_they_read() {
    let sound = folder(&[(
        "people.csv",
        b"id,name,email,language\na,A,a@example.org,zh\nb,B,,\n" as &[u8],
    )]);
    let people = load(sound.path()).unwrap().people;
    let known = |id: &str| (people[id].email.as_deref(), people[id].language.as_deref());
    assert_eq!(known("a"), (Some("a@example.org"), Some("zh")));
    assert_eq!(known("b"), (None, None));
    let text: &[u8] = b"id,name,email,language\na,A,example.org,de\nb,B,b c@example.org,en\n";
    let expected = [
        "people.csv:2: email 'example.org' is no address; write name@example.org",
        "people.csv:2: language is 'de'; write en or zh",
        "people.csv:3: email 'b c@example.org' is no address; write name@example.org",
    ];
    assert_eq!(problems(&[("people.csv", text)]), expected);
}

#[test]
fn knows_contacts_by_their_tags_and_what_is_no_customers() {
    let folder = folder(&[
        ("accounts.csv", b"id,name,consent\na,A,yes\nb,B,no\nc,C,\n"),
        (
            "contacts.csv",
            b"id,name,account,tags,test\nli,Li,a,04A1; 04A2 ;,no\nlab,Lab,,T-1,yes\nzoe,Zoe,,,\n",
        ),
        (
            "devices.csv",
            b"id,model,status\n1,X,\n2,X,in-service\n3,X,commissioning\n4,X,maintenance\n5,X,retired\n",
        ),
    ]);
    let registry = load(folder.path()).unwrap();
    let tags: Vec<_> = registry.tags.iter().map(|(tag, id)| (&**tag, &**id)).collect();
    assert_eq!(tags, [("04A1", "li"), ("04A2", "li"), ("T-1", "lab")]);
    let tests: Vec<_> = registry.contacts.values().map(|contact| contact.is_test).collect();
    assert_eq!(tests, [true, false, false], "of lab, li and zoe");
    assert_eq!(registry.contacts["li"].account.as_deref(), Some("a"));
    let consents: Vec<_> = registry.accounts.values().map(|account| account.consent).collect();
    assert_eq!(consents, [Some(true), Some(false), None]);
    let statuses: Vec<_> = registry.devices.values().map(|device| device.status).collect();
    let expected = [
        DeviceStatus::InService,
        DeviceStatus::InService,
        DeviceStatus::Commissioning,
        DeviceStatus::Maintenance,
        DeviceStatus::Retired,
    ];
    assert_eq!(statuses, expected);
}

#[test]
fn lists_what_is_wrong_with_contacts_statuses_and_consent() {
    let found = problems(&[
        ("accounts.csv", b"id,name,consent\na,A,maybe\n"),
        (
            "contacts.csv",
            b"id,name,account,tags,test\nli,Li,a,T-1;T-2;T-1,\nlab,Lab,z,T-2,1\nli,Li,,,\n",
        ),
        ("devices.csv", b"id,model,status\n1,X,broken\n"),
    ]);
    let expected = [
        "accounts.csv:2: consent is 'maybe'; write yes or no",
        "contacts.csv:2: tag 'T-1' stands twice; remove one",
        "contacts.csv:3: account 'z' is not in accounts.csv; add it there or correct the cell",
        "contacts.csv:3: test is '1'; write yes or no",
        "contacts.csv:3: tag 'T-2' stands on line 2 too; a tag belongs to one contact",
        "contacts.csv:4: id 'li' stands on line 2 too; remove one of the rows",
        "devices.csv:2: status is 'broken'; use one of in-service, commissioning, maintenance, \
         retired",
    ];
    assert_eq!(found, expected);
}

#[test]
fn refuses_tables_whose_columns_or_characters_are_not_understood() {
    let cases: [(&[u8], &[&str]); 8] = [
        (
            b"id,modle\n",
            &[
                "devices.csv:1: unknown column 'modle'; there are id, model, site, account, \
                 status",
                "devices.csv:1: column 'model' is missing; add it",
            ],
        ),
        (b"id,model,id\n", &["devices.csv:1: column 'id' stands twice; remove one"]),
        (
            b"id;model\nE-1;X7\n",
            &["devices.csv:1: the columns are not separated by commas; save the table with commas"],
        ),
        (b"", &["devices.csv: no header; let the first line be id,model"]),
        (b"\xef\xbb\xbf\r\n", &["devices.csv: no header; let the first line be id,model"]),
        // "Müller" as Windows writes it.
        (
            b"id,model\r\nE-1,X7\r\nE-2,M\xfcller\r\n",
            &["devices.csv:3: not UTF-8; save it as UTF-8, a table as \"CSV UTF-8\""],
        ),
        (
            b"\xff\xfei\0d\0",
            &["devices.csv:1: not UTF-8; save it as UTF-8, a table as \"CSV UTF-8\""],
        ),
        (
            b"id,model\nE-1,\"X\x007\"\n",
            &["devices.csv:2: model \"X\\07\" has a control character; remove it"],
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(problems(&[("devices.csv", bytes)]), expected, "case: {bytes:?}");
    }
}

#[test]
fn a_table_that_cannot_be_read_does_not_make_those_wrong_that_name_its_rows() {
    let found = problems(&[
        ("accounts.csv", b"id,name\nacme,M\xfcller\n"),
        ("sites.csv", b"id,name,account\ns,S,acme\n"),
    ]);
    assert_eq!(found, ["accounts.csv:2: not UTF-8; save it as UTF-8, a table as \"CSV UTF-8\""]);
}

#[test]
fn counts_lines_as_an_editor_does() {
    let cases: [(&str, &str); 5] = [
        ("id,name\na,A\nb\n", "sites.csv:3"),
        ("id,name\r\na,A\r\nb\r\n", "sites.csv:3"),
        ("\r\n\r\nid,name\r\n\r\na,A\r\n\r\n\r\nb", "sites.csv:8"),
        ("id,name\n\"a\n\nx\",A\nb\n", "sites.csv:5"),
        ("\u{feff}id,name\n,\nb\n", "sites.csv:3"),
    ];
    for (text, place) in cases {
        let found = problems(&[("sites.csv", text.as_bytes())]);
        let expected = "1 cells under 2 columns; quote a cell that holds a comma";
        assert!(found.contains(&format!("{place}: {expected}")), "case: {text:?}: {found:?}");
    }
}

#[test]
fn lists_fifty_mistakes_and_counts_the_rest() {
    let rows = "E#,X7\n".repeat(1_000);
    let found = problems(&[("devices.csv", format!("id,model\n{rows}").as_bytes())]);
    assert_eq!(found.len(), 51);
    assert_eq!(found[50], "and 950 more");
}

#[test]
fn a_folder_that_is_missing_is_an_error_and_an_empty_one_an_empty_registry() {
    let folder = folder(&[]);
    assert!(load(folder.path()).unwrap().devices.is_empty());
    let error = load(&folder.path().join("gone")).unwrap_err();
    assert!(matches!(error, RegistryError::Folder { .. }), "{error}");
}

#[test]
fn people_work_by_their_own_calendar_else_by_their_teams_else_by_that_of_all() {
    let week = "revision = \"1\"\n[week]\nmon = [\"09:00-17:00\"]\n";
    let calendar = |zone: &str| format!("zone = \"{zone}\"\n{week}");
    let people = "id,name,team,calendar\na,A,east,\nb,B,east,nights\nc,C,west,\n";
    let folder = folder(&[
        ("people.csv", people.as_bytes()),
        ("calendar.toml", calendar("Europe/Berlin").as_bytes()),
    ]);
    let calendars = folder.path().join("calendars");
    fs::create_dir(&calendars).unwrap();
    fs::write(calendars.join("east.toml"), calendar("Asia/Shanghai")).unwrap();
    fs::write(calendars.join("nights.toml"), calendar("Asia/Tokyo")).unwrap();
    let registry = load(folder.path()).unwrap();
    let cases = [
        ("a", "Asia/Shanghai"),
        ("b", "Asia/Tokyo"),
        ("c", "Europe/Berlin"),
        ("pool:east", "Asia/Shanghai"),
        ("pool:west", "Europe/Berlin"),
        ("nobody", "Europe/Berlin"),
    ];
    for (owner, zone) in cases {
        assert_eq!(registry.calendar_of(owner).zone().name(), zone, "case: {owner}");
    }

    fs::remove_file(calendars.join("nights.toml")).unwrap();
    fs::write(calendars.join("east.toml"), calendar("Moon")).unwrap();
    let wrong = load(folder.path()).unwrap_err().to_string();
    assert!(wrong.contains("calendars/east.toml:1"), "{wrong}");
    assert!(wrong.contains("people.csv:3: there is no sound calendars/nights.toml"), "{wrong}");
}
