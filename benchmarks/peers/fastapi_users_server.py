"""fastapi-users with a JWT in the header and SQLite through aiosqlite, put together as its documentation says.

Only the password hash is chosen, so that both servers do the same work at a login: bcrypt at a given cost. It runs in
an environment of its own, which ``measured.peers`` makes.

    python fastapi_users_server.py PORT DATABASE_FILE USERS BCRYPT_COST
"""
# No postponed annotations here: FastAPI reads those of its dependencies at run time.

import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.password import PasswordHelper
from fastapi_users.schemas import BaseUser, BaseUserCreate, BaseUserUpdate
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

PORT, FILE, USERS, COST = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
SECRET = "a key that only this benchmark uses"  # noqa: S105 -- it protects nothing

engine = create_async_engine(f"sqlite+aiosqlite:///{FILE}")
sessions = async_sessionmaker(engine, expire_on_commit=False)
passwords = PasswordHelper(PasswordHash((BcryptHasher(rounds=COST),)))


class Base(DeclarativeBase):
    """The tables."""


class User(SQLAlchemyBaseUserTableUUID, Base):
    """An account."""


class Shown(BaseUser[uuid.UUID]):
    """An account as it is answered."""


class Manager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    """What happens to accounts."""

    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def session() -> AsyncGenerator[AsyncSession]:
    """One session for each request."""
    async with sessions() as opened:
        yield opened


async def user_database(opened: Annotated[AsyncSession, Depends(session)]) -> AsyncGenerator[SQLAlchemyUserDatabase]:
    """The accounts of a session."""
    yield SQLAlchemyUserDatabase(opened, User)


async def manager(database: Annotated[SQLAlchemyUserDatabase, Depends(user_database)]) -> AsyncGenerator[Manager]:
    """The manager of a request."""
    yield Manager(database, passwords)


def strategy() -> JWTStrategy[User, uuid.UUID]:
    """How tokens are made and read."""
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)


backend = AuthenticationBackend("jwt", BearerTransport("auth/jwt/login"), strategy)
accounts = FastAPIUsers[User, uuid.UUID](manager, [backend])


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
    """Make the tables, and as many accounts as the other server has."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    async with sessions() as opened:
        nobodys = passwords.hash(passwords.generate())
        opened.add_all(User(email=f"user{number}@example.org", hashed_password=nobodys) for number in range(USERS))
        await opened.commit()
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
app.include_router(accounts.get_auth_router(backend), prefix="/auth/jwt")
app.include_router(accounts.get_register_router(Shown, BaseUserCreate), prefix="/auth")
app.include_router(accounts.get_users_router(Shown, BaseUserUpdate), prefix="/users")

if __name__ == "__main__":
    uvicorn.run(
        app,
        port=PORT,
        http="httptools",
        loop="uvloop",
        ws="none",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
    )
