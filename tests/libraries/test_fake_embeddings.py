"""Real clients get vectors from the fake model, and find with them what a test would expect."""

import asyncio
import math

import pytest
from tests.libraries.installed import needs

from ams_sdk.testing import FakeLLM

KNOWLEDGE = ["Otters hold hands while they sleep.", "Ducks sleep with one eye open.", "Oslo is the capital of Norway."]


@pytest.fixture
def llm():
    with FakeLLM() as made:
        yield made


@needs("openai")
@pytest.mark.parametrize("form", ["float", None])  # None: it asks for base64 and unpacks it
def test_openai(llm, form):
    import openai

    more = {} if form is None else {"encoding_format": form}
    with openai.OpenAI(api_key="k", base_url=llm.openai_base_url, max_retries=0) as client:
        found = client.embeddings.create(model="text-embedding-3-small", input=KNOWLEDGE, **more)
    assert [one.embedding for one in found.data] == llm.embed(KNOWLEDGE)
    assert found.usage.prompt_tokens > 0
    assert llm.embeddings[0].texts == tuple(KNOWLEDGE)


@needs("openai")
def test_openai_that_is_awaited_and_what_it_refuses():
    import openai

    llm = FakeLLM(strict=False)

    async def run():
        async with openai.AsyncOpenAI(api_key="k", base_url=llm.openai_base_url, max_retries=0) as client:
            found = await client.embeddings.create(model="m", input="otters", dimensions=5)
            with pytest.raises(openai.BadRequestError, match="'input'"):
                await client.embeddings.create(model="m", input="")
            return found

    found = asyncio.run(run())
    assert [one.embedding for one in found.data] == llm.embed("otters", dimensions=5)
    llm.close()


@needs("langchain", "langchain-openai")
def test_langchain_finds_the_right_text(llm):
    from langchain_openai import OpenAIEmbeddings

    # With the check it would ask with tokens, for which tiktoken downloads its tables.
    embeddings = OpenAIEmbeddings(
        model="text-embedding-3-small", api_key="k", base_url=llm.openai_base_url, check_embedding_ctx_length=False
    )
    vectors = embeddings.embed_documents(KNOWLEDGE)
    for question, answer in [("How does a duck sleep?", 1), ("Norway's capital", 2)]:
        asked = embeddings.embed_query(question)
        nearness = [math.fsum(a * b for a, b in zip(asked, vector, strict=True)) for vector in vectors]
        assert nearness.index(max(nearness)) == answer
    assert llm.embeddings[0].texts == tuple(KNOWLEDGE)
    assert [one.texts for one in llm.embeddings[1:]] == [("How does a duck sleep?",), ("Norway's capital",)]
