// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {ICourt} from "../interfaces/ICourt.sol";
import {IDeals} from "../interfaces/IDeals.sol";
import {IOpenings} from "../interfaces/IOpenings.sol";
import {IRegistry} from "../interfaces/IRegistry.sol";
import {IRemedies} from "../interfaces/IRemedies.sol";
import {ITallystick} from "../interfaces/ITallystick.sol";
import {Fault, Offer} from "../interfaces/ITypes.sol";
import {IVault} from "../interfaces/IVault.sol";
import {MessageLib} from "../libraries/MessageLib.sol";
import {SignatureLib} from "../libraries/SignatureLib.sol";
import {WorkLib} from "../libraries/WorkLib.sol";

/// @title Court
/// @notice See {ICourt}.
/// @custom:invariant tokens held = what accounts are owed and what is bound to something open, donations aside
abstract contract Court is ICourt, AccessManaged {
    using SafeERC20 for IERC20;

    /// @dev Evidence by a revoked worker counts for the forced window and this long after.
    uint256 internal constant LONGEST_DISPUTE = 33 hours;
    uint256 private constant RECEIPT = 35; // units (3), work hash (32)
    uint256 private constant TALLY = 44; // deal key (32), stream (1), first (3), count (3), units (5)

    /// @inheritdoc ICourt
    ITallystick public immutable SETTLEMENT;
    /// @inheritdoc ICourt
    IOpenings public immutable OPENINGS;
    IRegistry internal immutable REGISTRY;
    IERC20 internal immutable TOKEN;

    /// @inheritdoc ICourt
    mapping(address account => uint64 amount) public owed;

    constructor(address authority, ITallystick settlement, IOpenings openings) AccessManaged(authority) {
        (SETTLEMENT, OPENINGS) = (settlement, openings);
        (REGISTRY, TOKEN) = (IRegistry(settlement.REGISTRY()), IERC20(settlement.TOKEN()));
    }

    /// @inheritdoc ICourt
    function withdraw(address account) external {
        uint64 amount = owed[account];
        require(amount != 0, CourtNothingOwed(account));
        owed[account] = 0;
        emit Withdrawn(account, amount);

        TOKEN.safeTransfer(account, amount);
    }

    /// @notice Takes money from the caller. Assumes that the token takes no part of it.
    function _pull(uint256 amount) internal {
        TOKEN.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Slashes a deal's provider for a fault of one stream, unless it was before.
    /// @param gas_ Gas of the proof, for the least that is taken.
    function _penalize(
        uint32 id,
        bytes32 key,
        uint8 stream,
        Fault fault,
        uint32 gas_,
        address reporter,
        bytes32 evidence
    ) internal returns (bool taken) {
        bytes32 subject = keccak256(abi.encode(key, stream, fault));
        if (_isPunished(subject)) return false;
        SETTLEMENT.penalize(id, key, stream, IVault.Charge(subject, fault, gas_, 0, 0, address(0), reporter, evidence));
        return true;
    }

    /// @notice Voids a stream's units from a receipt on, those of them that are unmatured and unacknowledged.
    /// @dev What has matured meanwhile is no longer there to be voided; any other failure, running out of gas among
    /// them, is not to pass for that.
    function _void(uint32 id, bytes32 key, uint8 stream, uint40 keep, uint40 last, bool forced, uint32 at_) internal {
        (, uint48 units, ) = SETTLEMENT.stream(id, stream);
        if (at_ == 0 || units <= keep) return;
        try SETTLEMENT.voidUnits(id, key, stream, keep, at_, 0) returns (uint64) {
            return;
        } catch (bytes memory reason) {
            _requireMatured(reason);
        }
        if (!forced) return;
        try SETTLEMENT.voidForced(id, key, stream, keep, at_, last, 0) returns (uint64) {
            return;
        } catch (bytes memory reason) {
            if (bytes4(reason) != IRemedies.RemediesNotLast.selector) _requireMatured(reason);
        }
    }

    /// @notice A receipt of this deal as it is shown, and the deal.
    function _prove(
        uint32 id,
        Shown calldata shown
    ) internal view returns (Proven memory proven, IDeals.DealView memory deal) {
        deal = SETTLEMENT.deal(id);
        require(deal.state != IDeals.DealState.None, CourtNoSuchDeal(id));
        if (shown.source == Source.Signed) return (_proveSigned(id, shown, deal), deal);

        IOpenings.SettledGroup memory group;
        IOpenings.Receipt memory receipt;
        (group, receipt) = shown.source == Source.Batch
            ? OPENINGS.proveSettled(shown.place, shown.receipts, shown.index)
            : OPENINGS.proveRecorded(shown.place, shown.receipts, shown.index);
        require(group.dealKey == deal.key, CourtNoSuchDeal(id));
        uint256 after_ = _unitsFrom(shown.receipts, shown.index - group.first);
        // what a blob's receipts sum up to is known to who read the blob only
        uint256 keep = Math.max(group.unitsBefore, Math.saturatingSub(group.units, after_));
        proven = Proven(
            group.dealKey,
            group.stream,
            receipt.index,
            receipt.units,
            uint40(keep),
            group.units,
            shown.source == Source.Stream,
            group.time,
            receipt.workHash
        );
    }

    /// @notice Refuses what is final: matured by time, or vouched for by the buyer's side.
    function _requireOpen(uint32 id, Proven memory proven, Source source) internal view {
        (uint32 cursor, , uint48 acknowledged) = SETTLEMENT.stream(id, proven.stream);
        if (source == Source.Signed) {
            require(proven.index >= cursor, CourtSettled(proven.index, cursor));
        } else {
            require(SETTLEMENT.clock() < proven.settledAt + _windowOf(source), CourtMatured(proven.settledAt));
        }
        require(acknowledged <= proven.keep, CourtAcknowledged(acknowledged, proven.keep));
    }

    /// @notice Refuses an offer that is not the deal's.
    function _requireOffer(IDeals.DealView memory deal, Offer calldata offer, uint64 nonce) internal view {
        bytes32 key = keccak256(abi.encode(SETTLEMENT.offerHash(offer), deal.buyer, uint256(nonce)));
        require(key == deal.key, CourtOtherOffer(deal.key));
    }

    function _isPunished(bytes32 subject) internal view returns (bool) {
        return IVault(address(REGISTRY)).punishedAt(subject) != 0;
    }

    function _windowOf(Source source) private view returns (uint256) {
        return source == Source.Batch ? SETTLEMENT.parameters().attestedWindow : SETTLEMENT.parameters().forcedWindow;
    }

    function _proveSigned(
        uint32 id,
        Shown calldata shown,
        IDeals.DealView memory deal
    ) private view returns (Proven memory proven) {
        require(deal.state != IDeals.DealState.Closed, CourtNoSuchDeal(id));
        require(shown.place.length == TALLY && bytes32(shown.place) == deal.key, CourtNoSuchDeal(id));
        uint256 tally = uint96(bytes12(shown.place[32:TALLY]));
        (uint256 first, uint256 count, uint256 units) = (uint24(tally >> 64), uint24(tally >> 40), uint40(tally));
        (proven.key, proven.stream, proven.index, proven.last) = (
            deal.key,
            uint8(tally >> 88),
            shown.index,
            uint40(units)
        );
        uint256 size = shown.receipts.length;
        require(
            shown.index >= first && shown.index < count && size == RECEIPT * (count - first),
            CourtMalformedReceipts(size, shown.index)
        );
        bytes32 hash = MessageLib.tallyHash(deal.key, proven.stream, first, count, units, keccak256(shown.receipts));
        _requireWorker(shown, deal.provider, WorkLib.digest(address(SETTLEMENT), hash));

        uint256 at = RECEIPT * (shown.index - first);
        proven.units = uint24(bytes3(shown.receipts[at:]));
        proven.workHash = bytes32(shown.receipts[at + 3:]);
        proven.keep = uint40(Math.saturatingSub(units, _unitsFrom(shown.receipts, shown.index - first)));
    }

    function _requireWorker(Shown calldata shown, uint32 provider, bytes32 digest) private view {
        (uint32 id, address key) = REGISTRY.workerAt(shown.worker);
        uint256 from = REGISTRY.revokedFrom(shown.worker);
        uint256 dead = from + SETTLEMENT.parameters().forcedWindow + LONGEST_DISPUTE;
        require(
            key != address(0) &&
                id == provider &&
                (from == 0 || SETTLEMENT.clock() < dead) &&
                SignatureLib.recover(digest, shown.signature) == key,
            CourtNotAWorker(shown.worker)
        );
    }

    function _requireMatured(bytes memory reason) private pure {
        if (bytes4(reason) == IRemedies.RemediesMatured.selector) return;
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }

    /// @notice Units of the receipts from number `position` of these bytes on.
    function _unitsFrom(bytes calldata receipts, uint256 position) private pure returns (uint256 units) {
        for (uint256 at = RECEIPT * position; at < receipts.length; at += RECEIPT) {
            units += uint24(bytes3(receipts[at:]));
        }
    }
}
