//! What an operation's function returns, as an HTTP answer and as a socket result.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::schemas::{Schemas, Shape};

/// An HTTP answer. Every serialisable type is answered 200; types for other statuses are below.
pub(super) trait Answer: Send {
    fn shapes(schemas: &mut Schemas) -> Vec<Shape>;
    fn answer(self) -> Response;
}

/// A result of the socket, too.
pub(super) trait Reply: Answer {
    type Body: Serialize + ToSchema;
    fn into_body(self) -> Self::Body;
}

impl<T: Serialize + ToSchema + Send> Answer for T {
    fn shapes(schemas: &mut Schemas) -> Vec<Shape> {
        vec![Shape::json(200, schemas.add::<T>())]
    }

    fn answer(self) -> Response {
        Json(self).into_response()
    }
}

impl<T: Serialize + ToSchema + Send> Reply for T {
    type Body = T;

    fn into_body(self) -> T {
        self
    }
}

/// No arguments; and the result of an operation that has nothing to tell the socket.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// 201 for what was made.
pub struct Created<T>(pub T);

impl<T: Serialize + ToSchema + Send> Answer for Created<T> {
    fn shapes(schemas: &mut Schemas) -> Vec<Shape> {
        vec![Shape::json(201, schemas.add::<T>())]
    }

    fn answer(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl<T: Serialize + ToSchema + Send> Reply for Created<T> {
    type Body = T;

    fn into_body(self) -> T {
        self.0
    }
}

/// 201 for what was made, 200 for what a repetition of the same `client_id` finds.
pub struct Once<T> {
    pub body: T,
    pub is_repeated: bool,
}

impl<T: Serialize + ToSchema + Send> Answer for Once<T> {
    fn shapes(schemas: &mut Schemas) -> Vec<Shape> {
        let schema = schemas.add::<T>();
        vec![
            Shape::json(201, schema.clone()),
            Shape::json(200, schema).says("The first result of this `client_id`."),
        ]
    }

    fn answer(self) -> Response {
        let status = if self.is_repeated { StatusCode::OK } else { StatusCode::CREATED };
        (status, Json(self.body)).into_response()
    }
}

impl<T: Serialize + ToSchema + Send> Reply for Once<T> {
    type Body = T;

    fn into_body(self) -> T {
        self.body
    }
}

/// 204 without a body.
pub struct Done;

impl Answer for Done {
    fn shapes(_: &mut Schemas) -> Vec<Shape> {
        vec![Shape::empty(204)]
    }

    fn answer(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

impl Reply for Done {
    type Body = Nothing;

    fn into_body(self) -> Nothing {
        Nothing {}
    }
}
