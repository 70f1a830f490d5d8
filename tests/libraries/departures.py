"""In what the emitters that these tests meet depart from the conventions; a departure that ends is to be taken out."""

from __future__ import annotations

GENAI = "opentelemetry.instrumentation.genai."
OPENAI, ANTHROPIC = f"{GENAI}openai", f"{GENAI}anthropic"
LANGCHAIN, OPENAI_AGENTS = f"{GENAI}langchain", f"{GENAI}openai_agents"
PYDANTIC_AI, MCP, HTTPX = "pydantic-ai", "mcp-python-sdk", "opentelemetry.instrumentation.httpx"

NULL_NAMES = {"gen_ai.input.messages: name is null", "gen_ai.output.messages: name is null"}
NULL_DESCRIPTION = {"gen_ai.tool.definitions: description is null"}
OLD_HTTP = {HTTPX: {"http: names from before HTTP's conventions were stable"}}
PYDANTIC_AI_OWN = {
    "an attribute without a namespace: agent_name",
    "an attribute without a namespace: final_result",
    "an attribute without a namespace: model_name",
    "an attribute without a namespace: model_request_parameters",
    "gen_ai.input.messages: tool_call: arguments are a string, not what it says",
    "gen_ai.input.messages: tool_call_response without response",
    "gen_ai.output.messages: tool_call: arguments are a string, not what it says",
    "no such attribute: gen_ai.agent.call.id",
    "no such attribute: gen_ai.aggregated_usage.input_tokens",
    "no such attribute: gen_ai.aggregated_usage.output_tokens",
    "no such attribute: gen_ai.system",
} | {
    f"no such attribute: gen_ai.{usage}.details.{kind}_tokens"
    for usage in ("usage", "aggregated_usage")
    for kind in ("accepted_prediction", "audio", "reasoning", "rejected_prediction")
}
