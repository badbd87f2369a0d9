//! `GET /api/v1/openapi.json`: the API as an `OpenAPI` 3.1 document, made of the routes and of the
//! types that handlers answer with.

use std::sync::LazyLock;

use axum::Router;
use axum::handler::Handler;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, Problem};

/// Where the document is.
const PATH: &str = "/api/v1/openapi.json";

/// A route of the API, and what is said about it.
#[derive(Debug)]
pub(super) struct Endpoint {
    method: &'static str,
    path: &'static str,
    handler: MethodRouter<App>,
    summary: &'static str,
    parameters: Vec<Value>,
    request: Option<Value>,
    answer: Answer,
}

/// What a route answers with when all is well.
#[derive(Clone, Copy, Debug)]
enum Answer {
    /// JSON of one type.
    Json(fn(&mut SchemaGenerator) -> Schema),
    /// Bytes as they came.
    Bytes,
    /// A JSON object that is described elsewhere.
    Object,
}

impl Endpoint {
    /// Returns a route that only looks.
    pub(super) fn get<H, T>(path: &'static str, handler: H, summary: &'static str) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(("get", path), get(handler), summary)
    }

    /// Returns a route that changes something.
    pub(super) fn post<H, T>(path: &'static str, handler: H, summary: &'static str) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(("post", path), post(handler), summary)
    }

    /// Returns a route that changes something that is there.
    pub(super) fn patch<H, T>(path: &'static str, handler: H, summary: &'static str) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(("patch", path), patch(handler), summary)
    }

    /// Returns a route that puts something in its place.
    pub(super) fn put<H, T>(path: &'static str, handler: H, summary: &'static str) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(("put", path), put(handler), summary)
    }

    /// Returns a route that takes something away.
    pub(super) fn delete<H, T>(path: &'static str, handler: H, summary: &'static str) -> Self
    where
        H: Handler<T, App>,
        T: 'static,
    {
        Self::new(("delete", path), delete(handler), summary)
    }

    fn new(
        (method, path): (&'static str, &'static str),
        handler: MethodRouter<App>,
        summary: &'static str,
    ) -> Self {
        let (parameters, answer) = (Vec::new(), Answer::Object);
        Self { method, path, handler, summary, parameters, request: None, answer }
    }

    /// Says what it answers with.
    pub(super) fn answers<T: JsonSchema>(mut self) -> Self {
        self.answer = Answer::Json(SchemaGenerator::subschema_for::<T>);
        self
    }

    /// Says that it answers with bytes.
    pub(super) fn answers_bytes(mut self) -> Self {
        self.answer = Answer::Bytes;
        self
    }

    /// Says what is sent to it: media types, each with the schema of its content.
    pub(super) fn takes(mut self, content: &Value) -> Self {
        self.request = Some(json!({ "required": true, "content": content }));
        self
    }

    /// Adds a part of its path.
    pub(super) fn part(self, name: &str, description: &str, schema: &Value) -> Self {
        self.parameter(("path", name), description, schema)
    }

    /// Adds what may be asked.
    pub(super) fn query(self, name: &str, description: &str, schema: &Value) -> Self {
        self.parameter(("query", name), description, schema)
    }

    /// Says that the parameter that was added last must be there.
    pub(super) fn required(mut self) -> Self {
        if let Some(last) = self.parameters.last_mut().and_then(Value::as_object_mut) {
            last.insert("required".into(), true.into());
        }
        self
    }

    fn parameter(mut self, (place, name): (&str, &str), description: &str, schema: &Value) -> Self {
        self.parameters.push(json!({
            "name": name,
            "in": place,
            "required": place == "path",
            "description": description,
            "schema": schema,
        }));
        self
    }

    fn describe(&self, generator: &mut SchemaGenerator, problem: &Schema) -> Value {
        let content = match self.answer {
            Answer::Json(schema) => {
                json!({ "application/json": { "schema": schema(generator) } })
            }
            Answer::Object => json!({ "application/json": { "schema": { "type": "object" } } }),
            Answer::Bytes => json!({ "application/octet-stream": {} }),
        };
        let mut operation = json!({
            "summary": self.summary,
            "parameters": self.parameters,
            "responses": {
                "200": { "description": "All is well.", "content": content },
                "default": {
                    "description": "It was not done; the problem says why.",
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
        });
        if let (Some(request), Some(operation)) = (&self.request, operation.as_object_mut()) {
            operation.insert("requestBody".into(), request.clone());
        }
        operation
    }
}

/// Returns the routes of the API, this document among them.
pub(crate) fn routes() -> Router<App> {
    let route =
        |router: Router<App>, endpoint: Endpoint| router.route(endpoint.path, endpoint.handler);
    endpoints().into_iter().fold(Router::new(), route)
}

fn endpoints() -> Vec<Endpoint> {
    let mut all = super::endpoints();
    all.push(Endpoint::get(PATH, handle, "This document"));
    all
}

/// Answers with the document.
async fn handle(caller: Caller) -> Result<Response, Fault> {
    static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

    drop(caller);
    Ok(([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response())
}

fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<Problem<'static>>();
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in endpoints() {
        let operation = endpoint.describe(&mut generator, &problem);
        let path = paths.entry(endpoint.path).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(endpoint.method.to_owned(), operation);
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Upturn",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Tasks, rules, events, dead letters, people and the trail of changes. A change of what is said here \
                within version 1 only adds.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
    })
}
