//! What feeds tell of the customer of a task, and of the place where its device stands.

use upturn_core::fact::attributes::Subject;
use upturn_core::id::DeviceId;

use crate::facts::stored::StoredError;
use crate::facts::told_attributes;
use crate::store::error::StoreError;
use crate::store::{log, record};
use crate::web::App;
use crate::web::visible::Visible;

/// How many are shown of each.
const LINES_MAX: usize = 20;

/// What is told of a customer or a place; empty where nobody tells anything.
pub(super) type Lines = Vec<(String, String)>;

/// What feeds tell, by name.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Of the customer.
    pub(super) account: Lines,
    /// Of the place.
    pub(super) site: Lines,
}

/// Returns what is told of `account` and of the site of `device`.
pub(super) async fn of_task(
    app: &App,
    device: &DeviceId,
    account: Option<&str>,
) -> Result<Told, StoreError> {
    let site = site_of(app, device).await?;
    Ok(Told {
        account: lines(app, account.map(|id| (Subject::Account, id))).await?,
        site: lines(app, site.as_deref().map(|id| (Subject::Site, id))).await?,
    })
}

/// Returns where `device` stands: by its record, else by the registry's folder.
async fn site_of(app: &App, device: &DeviceId) -> Result<Option<String>, StoreError> {
    if let Some(found) = record::find(&app.store, "device", device.as_str()).await? {
        let record: std::collections::BTreeMap<String, String> =
            log::parsed(&found.record.document)?;
        return Ok(record.get("site").cloned());
    }
    let folder = app.reloader.folder();
    let device = folder.devices.get(device);
    Ok(device.and_then(|device| device.site.as_deref()).map(str::to_owned))
}

async fn lines(app: &App, of: Option<(Subject, &str)>) -> Result<Lines, StoreError> {
    let Some(of) = of else { return Ok(Lines::new()) };
    let told = match told_attributes::of_one(&app.store, &app.feed_office.shelf, of).await {
        Ok(told) => told,
        Err(StoredError::Store(error)) => return Err(error),
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "what feeds tell of customers and places is not shown");
            return Ok(Lines::new());
        }
    };
    let shown = |text: &str| Visible(text).to_string();
    Ok(told.iter().take(LINES_MAX).map(|(name, value)| (shown(name), shown(value))).collect())
}
