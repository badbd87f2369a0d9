//! Requests to the pages and the API.

use serde_json::Value;
use ureq::Agent;

/// The name the tests sign in with.
pub const USER: &str = "tester";
/// The password they sign in with.
pub const PASSWORD: &str = "a password of tests";

/// The token that speaks for them to the API.
pub const TOKEN: &str = "upt_tests-sign-in-with-this-token-and-nobody-else-does";
/// What the store keeps of it: its SHA-256.
pub(crate) const TOKEN_HASH: &str =
    "ec6402eb821289b3ed3af121a60bd1d57f8d2a42ace8634fc19683685d7e16ba";

/// Returns status and body of a `GET` with the tests' token; `None` if nobody answers.
pub fn get(port: u16, path: &str) -> Option<(u16, String)> {
    get_as(port, path, TOKEN)
}

/// Returns status and body of a `GET` with `token`; `None` if nobody answers.
pub fn get_as(port: u16, path: &str, token: &str) -> Option<(u16, String)> {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent.get(format!("http://127.0.0.1:{port}{path}"));
    let request = request.header("Authorization", format!("Bearer {token}"));
    let mut response = request.call().ok()?;
    let status = response.status().as_u16();
    Some((status, response.body_mut().read_to_string().ok()?))
}

/// Posts `document` with the tests' token; returns status and answer, `None` if nobody answers.
pub fn post(port: u16, path: &str, document: &Value) -> Option<(u16, Value)> {
    post_as(port, path, document, TOKEN)
}

/// Posts `document` with `token`; returns status and answer, `None` if nobody answers.
pub fn post_as(port: u16, path: &str, document: &Value, token: &str) -> Option<(u16, Value)> {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent
        .post(format!("http://127.0.0.1:{port}{path}"))
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json");
    let mut response = request.send(document.to_string()).ok()?;
    let body = response.body_mut().read_to_string().ok()?;
    Some((response.status().as_u16(), serde_json::from_str(&body).unwrap()))
}

/// Posts `body` with the tests' token; returns the status, `None` if nobody answers.
pub fn post_bytes(port: u16, path: &str, content_type: &str, body: &[u8]) -> Option<u16> {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let request = agent
        .post(format!("http://127.0.0.1:{port}{path}"))
        .header("Authorization", format!("Bearer {TOKEN}"))
        .header("Content-Type", content_type);
    Some(request.send(body).ok()?.status().as_u16())
}

/// Returns the JSON document at `path`.
pub fn json(port: u16, path: &str) -> Value {
    let (status, body) = get(port, path).expect("the program answers");
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

/// Signs in with `form`; returns the status and where it leads.
pub fn enter(port: u16, form: &[(&str, &str)]) -> (u16, String) {
    let agent: Agent =
        Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let form = form.iter().copied();
    let entered = agent.post(format!("http://127.0.0.1:{port}/login")).send_form(form);
    let entered = entered.expect("the program answers");
    let location = entered.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    (entered.status().as_u16(), location.unwrap_or_default())
}

/// Somebody who has signed in, with a browser that follows nothing by itself.
#[derive(Debug)]
pub struct Session {
    port: u16,
    agent: Agent,
    cookie: String,
}

impl Session {
    /// Signs in.
    pub fn enter(port: u16, name: &str, password: &str) -> Self {
        let agent: Agent =
            Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let form = [("name", name), ("password", password)];
        let entered = agent.post(format!("http://127.0.0.1:{port}/login")).send_form(form);
        let entered = entered.expect("the program answers");
        let cookie = entered.headers().get("set-cookie").expect("the log-in is right");
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        Self { port, agent, cookie }
    }

    /// Returns what the session is known by.
    pub fn secret(&self) -> &str {
        self.cookie.split_once('=').unwrap().1
    }

    /// Returns status and page.
    pub fn get(&self, path: &str) -> (u16, String) {
        let request = self.agent.get(self.at(path)).header("Cookie", &self.cookie);
        read(request.call().expect("the program answers"))
    }

    /// Sends a form of the program's own page; returns status and page.
    pub fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, String) {
        let origin = format!("http://127.0.0.1:{}", self.port);
        let request = self.agent.post(self.at(path)).header("Cookie", &self.cookie);
        let request = request.header("Origin", origin);
        read(request.send_form(form.iter().copied()).expect("the program answers"))
    }

    fn at(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> (u16, String) {
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap_or_default())
}

/// Returns a page as somebody sees it who has signed in.
pub fn page(port: u16, path: &str) -> (u16, String) {
    Session::enter(port, USER, PASSWORD).get(path)
}
