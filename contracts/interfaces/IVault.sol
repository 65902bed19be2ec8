// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Fault} from "./ITypes.sol";

/// @title IVault
/// @notice Slashed stake on its way out: it waits, can be held once and returned by governance, and else is paid out by
/// itself to who was harmed, to who reported it, and to nobody at all.
/// @dev Amounts are base units of the stake token. Times are seconds on the protocol clock. The vault keeps one word a
/// case, a hash of its facts and its time, so whoever acts on a case brings its facts along. The same word says that
/// the subject was punished.
interface IVault {
    /// @notice What a slash was for. What is taken is `min(max(asked, floor), what is there)`; the floor is 20 times
    /// the value of the proof's gas.
    /// @param subject keccak256(abi.encode(deal key, stream, fault)), or what takes the deal's place where a member is
    /// slashed. Each is punished once.
    /// @param fault Its class.
    /// @param proofGas Gas of the proof, for the floor.
    /// @param asked What to take at most, the floor aside.
    /// @param restitution Part of it for the victim, at most 90 % of what is taken of the own stake or the bond.
    /// @param victim Who was harmed; zero if nobody.
    /// @param reporter Who proved it: gets 10 % of the same.
    /// @param evidence Hash of the evidence, which an earlier commitment names.
    struct Charge {
        bytes32 subject;
        Fault fault;
        uint32 proofGas;
        uint96 asked;
        uint96 restitution;
        address victim;
        address reporter;
        bytes32 evidence;
    }

    /// @notice Facts of a case.
    /// @param subject See {Charge}.
    /// @param provider Who was slashed; zero if a member.
    /// @param signer Member who was slashed; zero if a provider.
    /// @param own Taken from the provider's own stake or the member's bond.
    /// @param delegated Taken from the provider's pool.
    /// @param restitution For the victim.
    /// @param victim Who was harmed.
    /// @param reporter Who reported it.
    /// @param evidence Hash of the evidence.
    /// @param blockNumber Block of the proof.
    /// @param slashedAt Second on the protocol clock.
    struct Case {
        bytes32 subject;
        uint32 provider;
        address signer;
        uint96 own;
        uint96 delegated;
        uint96 restitution;
        address victim;
        address reporter;
        bytes32 evidence;
        uint64 blockNumber;
        uint32 slashedAt;
    }

    /// @notice Stake was taken and waits in the vault.
    /// @param subject Subject of the case.
    /// @param fault Its class.
    /// @param facts Everything about it.
    event Slashed(bytes32 indexed subject, Fault indexed fault, Case facts);

    /// @notice A case has another reporter, whose commitment to the evidence was earlier.
    /// @param subject Subject of the case.
    /// @param reporter Its reporter now.
    /// @param facts Everything about it.
    event PriorityClaimed(bytes32 indexed subject, address indexed reporter, Case facts);

    /// @notice The guardian holds a case until `until`.
    /// @param subject Subject of the case.
    /// @param until Second on the protocol clock.
    event CaseHeld(bytes32 indexed subject, uint32 until);

    /// @notice A case was returned to the stake it was taken from.
    /// @param subject Subject of the case.
    /// @param own To the own stake or the bond, stake token base units.
    /// @param delegated To the pool, stake token base units.
    event CaseReturned(bytes32 indexed subject, uint96 own, uint96 delegated);

    /// @notice A case was paid out.
    /// @param subject Subject of the case.
    /// @param toVictim Stake token base units.
    /// @param toReporter Stake token base units.
    /// @param burned Stake token base units.
    event CasePaid(bytes32 indexed subject, uint96 toVictim, uint96 toReporter, uint96 burned);

    /// @notice Somebody committed to evidence.
    /// @param commitment See {commitEvidence}.
    /// @param by Who committed.
    event EvidenceCommitted(bytes32 indexed commitment, address indexed by);

    /// @notice The subject was punished before.
    error VaultPunished(bytes32 subject);

    /// @notice There is no such case, or its facts are others.
    error VaultNoSuchCase(bytes32 subject);

    /// @notice The case can be paid out from `from` only.
    error VaultTooEarly(bytes32 subject, uint32 clock, uint32 from);

    /// @notice The guardian held the case before, or asks for too long.
    error VaultCannotHold(bytes32 subject);

    /// @notice More than the limiter lets out for now; `available` is left.
    error VaultLimited(uint96 asked, uint96 available);

    /// @notice No commitment of the caller to this evidence is 1 to 50 blocks older than the proof.
    error VaultNoPriority(bytes32 subject);

    /// @notice Somebody committed to this before.
    error VaultCommitted(bytes32 commitment);

    /// @notice Commits to evidence without showing it.
    /// @param commitment keccak256(abi.encode(evidence, reporter, salt)).
    function commitEvidence(bytes32 commitment) external;

    /// @notice Becomes the reporter of a case whose evidence the caller committed to 1 to 50 blocks before its proof.
    /// @param facts The case.
    /// @param salt Of the commitment.
    function claimPriority(Case calldata facts, bytes32 salt) external;

    /// @notice Holds a case for `duration`, at most 14 days and once. Guardian only.
    /// @param facts Everything about it.
    /// @param duration Seconds.
    function holdCase(Case calldata facts, uint32 duration) external;

    /// @notice Returns a case to the stake it was taken from, where liens have their part in it again. Governance only.
    /// @param facts Everything about it.
    function returnCase(Case calldata facts) external;

    /// @notice Pays a case out, 72 hours after its slash or when it is no longer held. Permissionless.
    /// @param facts Everything about it.
    function payOut(Case calldata facts) external;

    /// @notice Takes a provider's stake: its own first, then its pool's within the cap of one fault. Never reverts for
    /// lack of stake.
    /// @dev Settlement only.
    /// @param provider Provider's id.
    /// @param charge What for.
    /// @param lien What of its own stake a deal keeps: its value is asked for at least.
    /// @param clock Second on the protocol clock.
    /// @return own Taken from its own stake.
    /// @return delegated Taken from its pool.
    function slash(
        uint32 provider,
        Charge calldata charge,
        uint96 lien,
        uint32 clock
    ) external returns (uint96 own, uint96 delegated);

    /// @notice Takes a member's bond. Never reverts for lack of it.
    /// @dev Settlement and courts only.
    /// @param signer Member's key.
    /// @param charge What for.
    /// @return taken Stake token base units.
    function slashBond(address signer, Charge calldata charge) external returns (uint96 taken);

    /// @notice Returns a member's case that was discharged.
    /// @dev Courts only.
    /// @param facts The case.
    function discharge(Case calldata facts) external;

    /// @notice Whether there is such a case and it was not returned, whatever else became of it.
    /// @param facts The case.
    /// @return True if a subject was punished by just this.
    function stands(Case calldata facts) external view returns (bool);

    /// @notice When a subject was punished.
    /// @param subject See {Charge}.
    /// @return Second on the protocol clock; 0 if never.
    function punishedAt(bytes32 subject) external view returns (uint32);
}
