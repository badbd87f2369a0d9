//! The registry's files: `devices.csv`, `sites.csv`, `accounts.csv`, `contacts.csv`,
//! `people.csv`, `calendar.toml`, `hand-overs.toml`, and `calendars/*.toml` of those who work by another one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use upturn_core::calendar::Calendar;
use upturn_core::id::DeviceId;
use upturn_core::registry::of_record;
use upturn_core::registry::{Account, Contact, Device, DeviceStatus, Person, Registry, Site};

use self::problem::{Problems, RegistryError};
use self::table::{Row, Table};

mod documents;
pub(crate) mod problem;
pub(crate) mod table;

const PEOPLE: Table = Table {
    file: "people.csv",
    required: &["id", "name"],
    optional: &["manager", "substitute", "team", "email", "language", "calendar"],
};
const ACCOUNTS: Table =
    Table { file: "accounts.csv", required: &["id", "name"], optional: &["owner", "consent"] };
const CONTACTS: Table = Table {
    file: "contacts.csv",
    required: &["id", "name"],
    optional: &["account", "tags", "test"],
};
const SITES: Table =
    Table { file: "sites.csv", required: &["id", "name"], optional: &["account", "region"] };
const DEVICES: Table = Table {
    file: "devices.csv",
    required: &["id", "model"],
    optional: &["site", "account", "status"],
};
const FILES: [&str; 7] = [
    DEVICES.file,
    SITES.file,
    ACCOUNTS.file,
    CONTACTS.file,
    PEOPLE.file,
    documents::CALENDAR,
    documents::HAND_OVERS,
];

/// The longest id of a site, an account, a contact, a person or a team, in bytes.
const ID_LEN_MAX: usize = 128;

/// Reads the registry in `folder`, or says everything that is wrong with it.
///
/// A file that is missing is an empty table, or the default calendar. Columns go by their names, in
/// any order.
pub(crate) fn load(folder: &Path) -> Result<Registry, RegistryError> {
    let mut loader = Loader::new(folder)?;
    documents::load(folder, &mut loader.registry, &mut loader.problems);
    // In this order, since each table names rows of those before it.
    loader.people();
    loader.accounts();
    loader.contacts();
    loader.sites();
    loader.devices();
    documents::check_calendars(folder, &loader.registry, &mut loader.problems);
    if loader.problems.is_empty() {
        Ok(loader.registry)
    } else {
        Err(RegistryError::Wrong(loader.problems))
    }
}

struct Loader<'f> {
    folder: &'f Path,
    problems: Problems,
    registry: Registry,
    /// Files that cannot be read: whether a row of theirs exists is not known.
    unread: Vec<&'static str>,
}

impl<'f> Loader<'f> {
    /// Looks into the folder for files whose names are mistyped, since those would be as good as
    /// missing.
    fn new(folder: &'f Path) -> Result<Self, RegistryError> {
        let fail = |source| RegistryError::Folder { path: folder.into(), source };
        let mut problems = Problems::default();
        let mut strangers = Vec::new();
        for entry in fs::read_dir(folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let is_table = path.extension().is_some_and(|end| end == "csv" || end == "toml");
            let is_known = path.file_name().is_some_and(|name| FILES.iter().any(|f| name == *f));
            if is_table && !is_known {
                strangers.push(path);
            }
        }
        strangers.sort();
        for path in strangers {
            let message = format!("no table of the registry; there are {}", FILES.join(", "));
            problems.report(&path, None, message);
        }
        Ok(Self { folder, problems, registry: Registry::default(), unread: Vec::new() })
    }

    fn people(&mut self) {
        let Registry { people, calendars, .. } = &mut self.registry;
        let path = self.folder.join(PEOPLE.file);
        let mut lines: BTreeMap<Box<str>, u64> = BTreeMap::new();
        let unread = &self.unread;
        let is_read = PEOPLE.read(self.folder, &mut self.problems, |row, problems| {
            let mut check = Check { path: &path, row, problems, unread };
            let (id, name) = (check.id(), check.name());
            let team = check.text("team");
            let (email, language) = (check.email(), check.language());
            let calendar = check.calendar(calendars);
            let (Some(id), Some(name)) = (id, name) else { return };
            let person = Person {
                name,
                manager: row.find("manager").map(Into::into),
                substitute: row.find("substitute").map(Into::into),
                team,
                email,
                language,
                calendar,
            };
            if check.is_new(lines.get(&id)) {
                lines.insert(id.clone(), row.line);
                people.insert(id, person);
            }
        });
        if !is_read {
            self.unread.push(PEOPLE.file);
        }
        for (id, line) in lines {
            let Some(person) = people.get(&id) else { continue };
            let mut report = |message| self.problems.report(&path, Some(line), message);
            let named = [("manager", &person.manager), ("substitute", &person.substitute)];
            for (column, other) in named {
                let Some(other) = other else { continue };
                if *other == id {
                    report(format!("'{id}' is their own {column}; name somebody else or nobody"));
                } else if !people.contains_key(other) {
                    report(unknown(column, other, &PEOPLE));
                }
            }
            if is_own_superior(people, &id) {
                report(format!("'{id}' is their own manager's superior; break the circle"));
            }
        }
    }

    fn accounts(&mut self) {
        let Registry { people, accounts, .. } = &mut self.registry;
        let path = self.folder.join(ACCOUNTS.file);
        let mut lines: BTreeMap<Box<str>, u64> = BTreeMap::new();
        let unread = &self.unread;
        let is_read = ACCOUNTS.read(self.folder, &mut self.problems, |row, problems| {
            let mut check = Check { path: &path, row, problems, unread };
            let (id, name) = (check.id(), check.name());
            let owner = check.reference("owner", &PEOPLE, |id| people.contains_key(id));
            let consent = check.yes_or_no("consent");
            let (Some(id), Some(name)) = (id, name) else { return };
            if check.is_new(lines.get(&id)) {
                lines.insert(id.clone(), row.line);
                accounts.insert(id, Account { name, owner, consent });
            }
        });
        if !is_read {
            self.unread.push(ACCOUNTS.file);
        }
    }

    fn contacts(&mut self) {
        let Registry { accounts, contacts, tags, .. } = &mut self.registry;
        let path = self.folder.join(CONTACTS.file);
        let mut lines: BTreeMap<Box<str>, u64> = BTreeMap::new();
        let mut tag_lines: BTreeMap<Box<str>, u64> = BTreeMap::new();
        let unread = &self.unread;
        let is_read = CONTACTS.read(self.folder, &mut self.problems, |row, problems| {
            let mut check = Check { path: &path, row, problems, unread };
            let (id, name) = (check.id(), check.name());
            let account = check.reference("account", &ACCOUNTS, |id| accounts.contains_key(id));
            let is_test = check.yes_or_no("test").unwrap_or_default();
            let own = check.tags(&mut tag_lines);
            let (Some(id), Some(name)) = (id, name) else { return };
            if check.is_new(lines.get(&id)) {
                lines.insert(id.clone(), row.line);
                tags.extend(own.iter().map(|tag| (tag.clone(), id.clone())));
                contacts.insert(id, Contact { name, account, is_test, tags: own });
            }
        });
        if !is_read {
            self.unread.push(CONTACTS.file);
        }
    }

    fn sites(&mut self) {
        let Registry { accounts, sites, .. } = &mut self.registry;
        let path = self.folder.join(SITES.file);
        let mut lines: BTreeMap<Box<str>, u64> = BTreeMap::new();
        let unread = &self.unread;
        let is_read = SITES.read(self.folder, &mut self.problems, |row, problems| {
            let mut check = Check { path: &path, row, problems, unread };
            let (id, name) = (check.id(), check.name());
            let account = check.reference("account", &ACCOUNTS, |id| accounts.contains_key(id));
            let region = check.text("region");
            let (Some(id), Some(name)) = (id, name) else { return };
            if check.is_new(lines.get(&id)) {
                lines.insert(id.clone(), row.line);
                sites.insert(id, Site { name, account, region });
            }
        });
        if !is_read {
            self.unread.push(SITES.file);
        }
    }

    fn devices(&mut self) {
        let Registry { accounts, sites, devices, .. } = &mut self.registry;
        let path = self.folder.join(DEVICES.file);
        let mut lines: BTreeMap<DeviceId, u64> = BTreeMap::new();
        let unread = &self.unread;
        let is_read = DEVICES.read(self.folder, &mut self.problems, |row, problems| {
            let mut check = Check { path: &path, row, problems, unread };
            let id = check.device_id();
            let model = check.text("model").unwrap_or_default();
            let site = check.reference("site", &SITES, |id| sites.contains_key(id));
            let account = check.reference("account", &ACCOUNTS, |id| accounts.contains_key(id));
            let status = check.status();
            let Some(id) = id else { return };
            if check.is_new(lines.get(&id)) {
                lines.insert(id.clone(), row.line);
                devices.insert(id, Device { model, site, account, status });
            }
        });
        if !is_read {
            self.unread.push(DEVICES.file);
        }
    }
}

fn unknown(column: &str, id: &str, table: &Table) -> String {
    format!("{column} '{id}' is not in {}; add it there or correct the cell", table.file)
}

/// Returns whether going up from `id` comes back to it by at least one other person.
fn is_own_superior(people: &BTreeMap<Box<str>, Person>, id: &str) -> bool {
    let manager_of = |id: &str| people.get(id).and_then(|person| person.manager.as_deref());
    let mut above = manager_of(id).filter(|manager| *manager != id);
    // Each step reaches somebody new, or turns in a circle that `id` is not in.
    for _ in 0..people.len() {
        match above {
            Some(superior) if superior == id => return true,
            Some(superior) => above = manager_of(superior),
            None => return false,
        }
    }
    false
}

/// Checks the cells of a row.
struct Check<'c> {
    path: &'c Path,
    row: Row<'c>,
    problems: &'c mut Problems,
    unread: &'c [&'static str],
}

impl Check<'_> {
    fn report(&mut self, message: String) {
        self.problems.report(self.path, Some(self.row.line), message);
    }

    fn id(&mut self) -> Option<Box<str>> {
        let Some(id) = self.row.find("id") else {
            self.report("the id is empty; give the row one".to_owned());
            return None;
        };
        // A task's owner is a person's id or `pool:` with a team.
        if ID_LEN_MAX < id.len() || id.contains(char::is_control) || id.starts_with("pool:") {
            self.report(format!(
                "{id:?} is no id; use at most {ID_LEN_MAX} bytes, no control characters, and do \
                 not begin with 'pool:'"
            ));
            return None;
        }
        Some(id.into())
    }

    fn device_id(&mut self) -> Option<DeviceId> {
        let id = DeviceId::new(self.row.find("id").unwrap_or_default());
        id.map_err(|error| self.report(error.to_string())).ok()
    }

    fn name(&mut self) -> Option<Box<str>> {
        if self.row.find("name").is_none() {
            self.report("the name is empty; people read it, so write one".to_owned());
        }
        self.text("name")
    }

    fn text(&mut self, column: &str) -> Option<Box<str>> {
        let text = self.row.find(column)?;
        if text.contains(char::is_control) {
            self.report(format!("{column} {text:?} has a control character; remove it"));
        }
        Some(text.into())
    }

    fn reference(
        &mut self,
        column: &str,
        table: &Table,
        exists: impl FnOnce(&str) -> bool,
    ) -> Option<Box<str>> {
        let id = self.row.find(column)?;
        if !exists(id) && !self.unread.contains(&table.file) {
            self.report(unknown(column, id, table));
        }
        Some(id.into())
    }

    fn email(&mut self) -> Option<Box<str>> {
        let email = self.text("email")?;
        let is_address = email.split_once('@').is_some_and(|(name, host)| {
            !name.is_empty() && !host.is_empty() && !host.contains('@')
        });
        if !is_address || email.contains(char::is_whitespace) {
            self.report(format!("email '{email}' is no address; write name@example.org"));
        }
        Some(email)
    }

    fn language(&mut self) -> Option<Box<str>> {
        let language = self.text("language")?;
        if !matches!(&*language, "en" | "zh") {
            self.report(format!("language is '{language}'; write en or zh"));
        }
        Some(language)
    }

    fn calendar(&mut self, known: &BTreeMap<Box<str>, Calendar>) -> Option<Box<str>> {
        let name = self.text("calendar")?;
        if !known.contains_key(&name) {
            self.report(format!(
                "there is no sound calendars/{name}.toml; write it, or correct the cell"
            ));
        }
        Some(name)
    }

    fn yes_or_no(&mut self, column: &str) -> Option<bool> {
        match self.row.find(column)? {
            "yes" => Some(true),
            "no" => Some(false),
            other => {
                self.report(format!("{column} is '{other}'; write yes or no"));
                None
            }
        }
    }

    fn status(&mut self) -> DeviceStatus {
        let Some(word) = self.row.find("status") else { return DeviceStatus::default() };
        let known = of_record::status(word);
        if known.is_none() {
            let words = of_record::statuses().collect::<Vec<_>>().join(", ");
            self.report(format!("status is '{word}'; use one of {words}"));
        }
        known.unwrap_or_default()
    }

    /// Returns the tags of a contact, of which `lines` knows those of the contacts before.
    fn tags(&mut self, lines: &mut BTreeMap<Box<str>, u64>) -> Vec<Box<str>> {
        let cell = self.text("tags").unwrap_or_default();
        let mut tags = Vec::new();
        for tag in cell.split(';').map(str::trim).filter(|tag| !tag.is_empty()) {
            match lines.insert(tag.into(), self.row.line) {
                None => tags.push(tag.into()),
                Some(line) if line == self.row.line => {
                    self.report(format!("tag '{tag}' stands twice; remove one"));
                }
                Some(line) => {
                    self.report(format!(
                        "tag '{tag}' stands on line {line} too; a tag belongs to one contact"
                    ));
                }
            }
        }
        tags
    }

    fn is_new(&mut self, before: Option<&u64>) -> bool {
        if let Some(line) = before {
            let id = self.row.find("id").unwrap_or_default();
            self.report(format!("id '{id}' stands on line {line} too; remove one of the rows"));
        }
        before.is_none()
    }
}

#[cfg(test)]
mod tests;
