"""What an administrator or a person configures: traitlets, made into plain values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from traitlets import Dict, Float, HasTraits, Integer, List, TraitError, Unicode, validate
from traitlets.config import Configurable

from jupyter_runt.ai.limits import Limits
from jupyter_runt.ai.policy import DEFAULT_POLICY, Policy
from jupyter_runt.ai.providers import AiConfig, configured, providers
from jupyter_runt.artifacts import ArtifactTable
from jupyter_runt.document import references
from jupyter_runt.session.artifacts import Artifacts
from jupyter_runt.storage.artifacts import ObjectArtifacts


class RuntAI(Configurable):
    """The AI of notebooks: its providers, its models, and how far one answer may go."""

    providers = List(
        Dict(),
        config=True,
        help="""Providers beside those of the environment (OPENAI_API_KEY, OPENAI_BASE_URL,
        OLLAMA_HOST): `{name, kind: "chat_completions" | "responses", base_url, key_env | key_file,
        models?, context_tokens?, prices?}`. `prices` says by model what a million tokens cost, as
        `{input, output}`. One with the name of another takes its place.""",
    )
    default_model = Unicode(
        config=True, help="`provider/model` where neither the cell nor the notebook names one."
    )
    max_rounds = Integer(
        Limits().rounds, min=1, config=True, help="Answers of the model in one turn."
    )
    max_tokens = Integer(
        Limits().tokens, min=1, config=True, help="Tokens that one turn may read and write."
    )
    max_seconds = Float(
        Limits().seconds,
        min=1,
        config=True,
        help="How long one turn may take, but for its tools and for who decides about them.",
    )
    max_cost = Float(
        None,
        allow_none=True,
        min=0,
        config=True,
        help="What one turn may cost, where the prices of its model are configured.",
    )
    max_context_tokens = Integer(
        100_000, min=3_000, config=True, help="What a model is given at most, whatever it takes."
    )
    max_images = Integer(
        4, min=0, config=True, help="Pictures that a model which sees is given at most."
    )
    first_byte_seconds = Float(
        300.0,
        min=0.1,
        config=True,
        help="How long a provider may take until its answer begins: it may have to load a model.",
    )
    silence_seconds = Float(
        300.0, min=0.1, config=True, help="How long it may be silent in the middle of an answer."
    )

    policy = Dict(
        {str(effect): str(verdict) for effect, verdict in DEFAULT_POLICY.items()},
        config=True,
        help="""What the AI may do, by effect (read, edit, execute, files, external): allow, ask or
        deny. What is not named is as by default.""",
    )
    approval_seconds = Float(
        900.0, min=1, config=True, help="How long a call waits for who decides about it."
    )

    @validate("policy")
    def _is_policy(self, proposal: Mapping[str, Any]) -> Any:
        try:
            Policy.of(proposal["value"])
        except ValueError as error:
            raise TraitError(f"RuntAI.policy: {error}") from None
        return proposal["value"]

    @validate("providers")
    def _are_providers(self, proposal: Mapping[str, Any]) -> Any:
        try:
            configured(proposal["value"])
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise TraitError(f"RuntAI.providers: {where}: {first['msg']}") from None
        return proposal["value"]

    def plain(self, environment: Mapping[str, str]) -> AiConfig:
        """Return the configuration, with what the server's environment says."""
        return AiConfig(
            providers=providers(self.providers, environment),
            default_model=self.default_model,
            limits=Limits(self.max_rounds, self.max_tokens, self.max_seconds, self.max_cost),
            max_images=self.max_images,
            max_context_tokens=self.max_context_tokens,
            first_byte_seconds=self.first_byte_seconds,
            silence_seconds=self.silence_seconds,
        )


class ArtifactTraits(HasTraits):
    """What `RuntApp` is told of outputs that are too large for a document."""

    store_dir: Any

    artifact_url = Unicode(
        config=True,
        help="""Where outputs are kept that are too large for a document: a URL such as
        `s3://bucket/prefix`, `gs://…`, `az://…` or `memory://`, with credentials from the
        environment as their own tools take them. Default: the folder `artifacts` in `store_dir`.
        """,
    )
    inline_binary_kilobytes = Float(
        16,
        min=0,
        config=True,
        help="Images and other binary outputs above this size are kept outside of the document.",
    )
    inline_text_kilobytes = Float(
        64,
        min=0,
        config=True,
        help="The same for outputs of text, JSON or HTML; their beginning and end stay.",
    )
    inline_outputs = Integer(
        1000,
        min=1,
        config=True,
        help="So many outputs of a cell are in the document; all further ones are kept as one.",
    )
    artifact_grace_hours = Float(
        24,
        min=0,
        config=True,
        help="For so long after it was made, nothing is removed that no history needs.",
    )

    def artifacts(self, table: ArtifactTable) -> Artifacts:
        """Return the artifacts that `table` knows the notebooks of; use a thread.

        Raises:
            StoreUnavailable: there is no place for them.
        """
        if self.artifact_url:
            store = ObjectArtifacts.at(self.artifact_url)
        else:
            store = ObjectArtifacts.in_folder(Path(self.store_dir) / "artifacts")
        binary, text = self.inline_binary_kilobytes, self.inline_text_kilobytes
        limits = references.Limits(int(binary * 1024), int(text * 1024), self.inline_outputs)
        return Artifacts(store, table, limits)
