//! A bare axum server: `/nothing` answers at once, `/insert` stores the body as a row. Rows that wait for the connection
//! are inserted together. It verifies nothing and reads nothing. It runs as a process of its own, as the app does.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use backend::ids;
use db::Engine;
use sqlx::AnyConnection;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use super::store;

/// Rows of one statement.
const MAX_ROWS: usize = 256;

struct Row {
    payload: String,
    inserted: oneshot::Sender<()>,
}

/// Serves until the process is killed.
///
/// # Errors
/// When the address is in use or the database cannot be opened.
pub async fn run(listen: SocketAddr, database: &str) -> Result<(), Box<dyn std::error::Error>> {
    let engine = if database.starts_with("sqlite:") {
        Engine::Sqlite
    } else {
        Engine::Postgres
    };
    let connection = store::connect(engine, database).await?;
    let (rows, waiting) = mpsc::channel(4 * MAX_ROWS);
    tokio::spawn(insert_groups(connection, waiting));
    let router = Router::new()
        .route(
            "/nothing",
            get(async || StatusCode::OK).post(async || StatusCode::OK),
        )
        .route("/insert", post(insert))
        .with_state(rows);
    axum::serve(TcpListener::bind(listen).await?, router).await?;
    Ok(())
}

async fn insert(State(rows): State<mpsc::Sender<Row>>, payload: String) -> StatusCode {
    let (inserted, is_inserted) = oneshot::channel();
    let is_sent = rows.send(Row { payload, inserted }).await.is_ok();
    if is_sent && is_inserted.await.is_ok() {
        StatusCode::OK
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    }
}

/// A failed statement drops its rows, and their requests fail.
async fn insert_groups(mut connection: AnyConnection, mut waiting: mpsc::Receiver<Row>) {
    let mut group = Vec::with_capacity(MAX_ROWS);
    while waiting.recv_many(&mut group, MAX_ROWS).await > 0 {
        let (rows, answers): (Vec<_>, Vec<_>) = group
            .drain(..)
            .map(|Row { payload, inserted }| ((ids::row().to_string(), payload), inserted))
            .unzip();
        if store::insert(&mut connection, &rows).await.is_ok() {
            for inserted in answers {
                // The client may have gone.
                let _ = inserted.send(());
            }
        }
    }
}
