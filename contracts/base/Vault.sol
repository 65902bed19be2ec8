// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IEarnings} from "../interfaces/IEarnings.sol";
import {ILedger} from "../interfaces/ILedger.sol";
import {IVault} from "../interfaces/IVault.sol";
import {Bonds} from "./Bonds.sol";
import {Pooling} from "./Pooling.sol";

/// @title Vault
/// @notice See {IVault}.
/// @dev One word a case: `hash of the facts (184 bits) ‖ time of the slash (32) ‖ held until (32) ‖ blocks the
/// reporter's commitment is older than the proof (6) ‖ status (2)`. It stays for good, as the mark that the subject was
/// punished.
/// @custom:invariant tokens held >= own sides + pools + bonds + what waits here
abstract contract Vault is IVault, Pooling, Bonds {
    using SafeERC20 for IERC20;

    /// @notice Seconds a case waits.
    uint32 public constant VAULT_TIME = 72 hours;
    uint256 private constant FLOOR = 20;
    uint256 private constant REPORTER_SHARE = 10;
    uint256 private constant MAX_HOLD = 14 days;
    uint256 private constant MAX_AGE = 50;
    address private constant GRAVE = 0x000000000000000000000000000000000000dEaD;

    uint256 private constant WAITING = 0;
    uint256 private constant HELD = 1;
    uint256 private constant PAID = 2;
    uint256 private constant RETURNED = 3;
    uint256 private constant STATUS = 3;
    uint256 private constant AGE_SHIFT = 2;
    uint256 private constant AGE = 0x3f;
    uint256 private constant UNTIL_SHIFT = 8;
    uint256 private constant AT_SHIFT = 40;
    uint256 private constant HASH_SHIFT = 72;

    mapping(bytes32 subject => uint256 word) private _cases;
    mapping(bytes32 commitment => uint256 blockNumber) private _commitments;

    /// @inheritdoc IVault
    function commitEvidence(bytes32 commitment) external {
        require(_commitments[commitment] == 0, VaultCommitted(commitment));
        _commitments[commitment] = block.number;
        emit EvidenceCommitted(commitment, msg.sender);
    }

    /// @inheritdoc IVault
    function claimPriority(Case calldata facts, bytes32 salt) external {
        uint256 word = _requireOpen(facts);
        uint256 committedAt = _commitments[keccak256(abi.encode(facts.evidence, msg.sender, salt))];
        uint256 age = committedAt == 0 || committedAt > facts.blockNumber ? 0 : facts.blockNumber - committedAt;
        require(age > ((word >> AGE_SHIFT) & AGE) && age <= MAX_AGE, VaultNoPriority(facts.subject));
        Case memory next = facts;
        next.reporter = msg.sender;
        uint256 kept = word & (((1 << HASH_SHIFT) - 1) ^ (AGE << AGE_SHIFT));
        _cases[facts.subject] = _hashOf(next) | kept | (age << AGE_SHIFT);
        emit PriorityClaimed(facts.subject, msg.sender, next);
    }

    /// @inheritdoc IVault
    function holdCase(Case calldata facts, uint32 duration) external restricted {
        uint256 word = _requireOpen(facts);
        require(word & STATUS == WAITING && duration <= MAX_HOLD, VaultCannotHold(facts.subject));
        uint32 until = _clock() + duration;
        _cases[facts.subject] = word | (uint256(until) << UNTIL_SHIFT) | HELD;
        emit CaseHeld(facts.subject, until);
    }

    /// @inheritdoc IVault
    function returnCase(Case calldata facts) external restricted {
        _returnCase(facts);
    }

    /// @inheritdoc IVault
    function discharge(Case calldata facts) external onlyCourts {
        require(facts.signer != address(0), VaultNoSuchCase(facts.subject));
        _returnCase(facts);
    }

    /// @inheritdoc IVault
    function payOut(Case calldata facts) external {
        uint256 word = _requireOpen(facts);
        uint32 now_ = _clock();
        uint256 from = Math.max(uint256(facts.slashedAt) + VAULT_TIME, uint32(word >> UNTIL_SHIFT));
        require(now_ >= from, VaultTooEarly(facts.subject, now_, uint32(from)));
        uint256 taken = uint256(facts.own) + facts.delegated;
        _limit(taken, now_);
        _end(facts.subject, word, PAID);
        uint256 toVictim = facts.victim == address(0) ? 0 : facts.restitution;
        uint256 toReporter = facts.reporter == address(0) ? 0 : facts.own / REPORTER_SHARE;
        uint256 burned = taken - toVictim - toReporter;
        emit CasePaid(facts.subject, uint96(toVictim), uint96(toReporter), uint96(burned));

        if (toVictim != 0) STAKE_TOKEN.safeTransfer(facts.victim, toVictim);
        if (toReporter != 0) STAKE_TOKEN.safeTransfer(facts.reporter, toReporter);
        if (burned != 0) _burn(burned);
    }

    /// @inheritdoc IVault
    function slash(
        uint32 provider,
        Charge calldata charge,
        uint96 lien,
        uint32 now_
    ) external onlySettlement(provider) returns (uint96 own, uint96 delegated) {
        _requireUnpunished(charge.subject);
        uint256 asked = Math.max(_askedOf(charge), _lienValue(provider, lien));
        own = uint96(_slashOwn(provider, asked));
        if (own < asked) delegated = uint96(_slashPool(provider, asked - own, now_));
        _openCase(charge, provider, address(0), own, delegated, now_);
    }

    /// @inheritdoc IVault
    function slashBond(address signer, Charge calldata charge) external onlyCourts returns (uint96 taken) {
        _requireUnpunished(charge.subject);
        taken = uint96(_slashBond(signer, _askedOf(charge)));
        _openCase(charge, 0, signer, taken, 0, ILedger(settlement).clock());
    }

    /// @inheritdoc IVault
    function stands(Case calldata facts) external view returns (bool) {
        uint256 word = _cases[facts.subject];
        return word & STATUS != RETURNED && _isOf(word, facts);
    }

    /// @inheritdoc IVault
    function punishedAt(bytes32 subject) external view returns (uint32) {
        return uint32(_cases[subject] >> AT_SHIFT);
    }

    function _returnCase(Case calldata facts) private {
        _end(facts.subject, _requireOpen(facts), RETURNED);
        emit CaseReturned(facts.subject, facts.own, facts.delegated);
        if (facts.signer != address(0)) return _regrowBond(facts.signer, facts.own);
        if (facts.own != 0) _regrow(facts.provider, facts.own);
        if (facts.delegated != 0) _regrowPool(facts.provider, facts.delegated);
        IEarnings(settlement).refreshCover(facts.provider);
    }

    /// @dev Nobody is paid out of what delegators lost: who pays nothing itself could report itself for it.
    function _openCase(
        Charge calldata charge,
        uint32 provider,
        address signer,
        uint96 own,
        uint96 delegated,
        uint32 now_
    ) private {
        uint256 most = own - own / REPORTER_SHARE;
        Case memory facts = Case({
            subject: charge.subject,
            provider: provider,
            signer: signer,
            own: own,
            delegated: delegated,
            restitution: charge.victim == address(0) ? 0 : uint96(Math.min(charge.restitution, most)),
            victim: charge.victim,
            reporter: charge.reporter,
            evidence: charge.evidence,
            blockNumber: uint64(block.number),
            slashedAt: now_
        });
        _cases[charge.subject] = _hashOf(facts) | (uint256(facts.slashedAt) << AT_SHIFT);
        emit Slashed(charge.subject, charge.fault, facts);
    }

    function _end(bytes32 subject, uint256 word, uint256 status) private {
        _cases[subject] = (word & ~STATUS) | status;
    }

    /// @dev A case larger than the capacity takes all of it.
    function _limit(uint256 amount, uint32 now_) private {
        Limiter memory limiter = _limiter;
        uint256 refilled = (uint256(limiter.capacity) * (now_ - limiter.usedAt)) / limiter.refill;
        uint256 used = limiter.used > refilled ? limiter.used - refilled : 0;
        uint256 available = limiter.capacity > used ? limiter.capacity - used : 0;
        uint256 counted = Math.min(amount, limiter.capacity);
        require(counted <= available, VaultLimited(uint96(amount), uint96(available)));
        (_limiter.used, _limiter.usedAt) = (uint88(used + counted), now_);
    }

    function _burn(uint256 amount) private {
        try ERC20Burnable(address(STAKE_TOKEN)).burn(amount) {} catch {
            STAKE_TOKEN.safeTransfer(GRAVE, amount);
        }
    }

    /// @dev The word of a case with these facts, which neither was paid nor returned.
    function _requireOpen(Case calldata facts) private view returns (uint256 word) {
        word = _cases[facts.subject];
        require(word & STATUS < PAID && _isOf(word, facts), VaultNoSuchCase(facts.subject));
    }

    function _requireUnpunished(bytes32 subject) private view {
        require(_cases[subject] == 0, VaultPunished(subject));
    }

    function _askedOf(Charge calldata charge) private view returns (uint256) {
        return Math.max(charge.asked, FLOOR * charge.proofGas * _gasValue);
    }

    function _isOf(uint256 word, Case memory facts) private pure returns (bool) {
        return word != 0 && (word >> HASH_SHIFT) << HASH_SHIFT == _hashOf(facts);
    }

    function _hashOf(Case memory facts) private pure returns (uint256) {
        return (uint256(keccak256(abi.encode(facts))) >> HASH_SHIFT) << HASH_SHIFT;
    }
}
