//! What tests of feeds share.

use std::sync::Arc;

use super::{Feed, reading};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::feeds::files::Setup;

/// Returns the feed `id` of a kind that needs no settings, with `more` in its document.
pub(crate) fn feed(id: &str, more: &str) -> Feed {
    let text = format!(
        "id = \"{id}\"\nkind = \"ecb\"\ntitle = {{ en = \"{id}\" }}\nconfigured_by = \"ana\"\n{more}"
    );
    let setup = Setup::new(&Config::default(), Arc::new(SystemClock)).unwrap();
    let (found, findings) = reading::feed(&text, &setup.http, SystemClock.now());
    found.unwrap_or_else(|| panic!("{findings:?}"))
}
