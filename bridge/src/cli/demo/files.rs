//! The rules and the registry of the demo: the samples that come with Upturn.

use std::fs;
use std::io;
use std::path::Path;

use super::USER;

/// The folder with the rules of the house on selling.
pub(super) const COMPLIANCE: &str = "compliance";
/// Who may allow what is beyond a seller's authority: the sample, and whoever signs in.
const APPROVALS: &str = include_str!("../../../../deploy/compliance/approvals.toml");
const PEOPLE: &str = "[people]\n";

const FILES: [(&str, &str); 10] = [
    ("rules/charger-care.toml", include_str!("../../../../deploy/rules/charger-care.toml")),
    ("registry/devices.csv", include_str!("../../../../deploy/registry/devices.csv")),
    ("registry/sites.csv", include_str!("../../../../deploy/registry/sites.csv")),
    ("registry/accounts.csv", include_str!("../../../../deploy/registry/accounts.csv")),
    ("registry/contacts.csv", include_str!("../../../../deploy/registry/contacts.csv")),
    ("registry/people.csv", include_str!("../../../../deploy/registry/people.csv")),
    ("compliance/price-bands.toml", include_str!("../../../../deploy/compliance/price-bands.toml")),
    ("facts/ecb/feed.toml", include_str!("../../../../deploy/demo/facts/ecb/feed.toml")),
    ("facts/ecb/rates.csv", include_str!("../../../../deploy/demo/facts/ecb/rates.csv")),
    ("registry/calendar.toml", include_str!("../../../../deploy/registry/calendar.toml")),
];

/// How stock is planned: the sample, as an exercise for a day before the window.
const STOCKING: &str = include_str!("../../../../deploy/stock/stocking.toml");
const EXERCISE: &str = "as_of = \"2025-01-15T08:00:00+08:00\"\n";

/// Writes all of them below `folder`.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    for (name, text) in FILES {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    let approvers = format!("{PEOPLE}\"{USER}\" = [\"regional-director\"]\n");
    let approvals = APPROVALS.replacen(PEOPLE, &approvers, 1);
    fs::write(folder.join(COMPLIANCE).join("approvals.toml"), approvals)?;
    // In front of the first table, where a key of the document stands.
    let stocking = STOCKING.replacen("ahead_days", &format!("{EXERCISE}ahead_days"), 1);
    fs::write(folder.join("stocking.toml"), stocking)
}
