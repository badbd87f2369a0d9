//! A file that shows that something is done with a deal: its name and its hash are kept, not the file.

use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::{Multipart, Path, State};
use axum::response::Response;
use sha2::{Digest as _, Sha256};
use upturn_core::compliance::process::deal::{Action, Proof};

use super::deal;
use super::shell::Shell;
use crate::hex::hex;
use crate::runtime::selling::deals::DealStep;
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::selling;

/// Takes a file in.
pub(crate) async fn take(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, Fault> {
    let caller = shell.caller()?;
    // Whoever may not act on it is told so before anything is read.
    selling::deal(&app, caller, (&id, crate::auth::rights::Action::ActOnDeals)).await?;
    let mut form = form.map_err(|rejection| Fault::bad_request(rejection.body_text()))?;
    let (mut requirement, mut revision, mut file) = (String::new(), None, None);
    while let Some(field) = form.next_field().await.map_err(|error| torn(&error))? {
        match field.name() {
            Some("requirement") => {
                requirement = field.text().await.map_err(|error| torn(&error))?;
            }
            Some("revision") => {
                revision = field.text().await.map_err(|error| torn(&error))?.parse().ok();
            }
            Some("file") => {
                let name = field.file_name().unwrap_or_default().to_owned();
                file = Some((name, field.bytes().await.map_err(|error| torn(&error))?));
            }
            _ => {}
        }
    }
    let Some((name, bytes)) = file.filter(|(_, bytes)| !bytes.is_empty()) else {
        return Err(Fault::bad_request("no file was sent; choose one"));
    };
    let proof = Proof::File { name, sha256: hex(&Sha256::digest(&bytes)) };
    let action = Action::Complete { requirement, proof };
    let step = DealStep { deal: id.clone(), process: None, revision, action };
    let done = selling::act(&app, caller, step).await;
    deal::answer(&app, shell, &id, done).await
}

fn torn(error: &MultipartError) -> Fault {
    Fault::bad_request(format!("the form broke off: {}", error.body_text()))
}
