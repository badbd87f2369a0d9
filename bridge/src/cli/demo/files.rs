//! The rules and the registry of the demo: the samples that come with Upturn.

use std::fs;
use std::io;
use std::path::Path;

const FILES: [(&str, &str); 7] = [
    ("rules/charger-care.toml", include_str!("../../../../deploy/rules/charger-care.toml")),
    ("registry/devices.csv", include_str!("../../../../deploy/registry/devices.csv")),
    ("registry/sites.csv", include_str!("../../../../deploy/registry/sites.csv")),
    ("registry/accounts.csv", include_str!("../../../../deploy/registry/accounts.csv")),
    ("registry/contacts.csv", include_str!("../../../../deploy/registry/contacts.csv")),
    ("registry/people.csv", include_str!("../../../../deploy/registry/people.csv")),
    ("registry/calendar.toml", include_str!("../../../../deploy/registry/calendar.toml")),
];

/// Writes all of them below `folder`.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    for (name, text) in FILES {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}
