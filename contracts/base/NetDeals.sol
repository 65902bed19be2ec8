// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IDeals} from "../interfaces/IDeals.sol";
import {INets} from "../interfaces/INets.sol";
import {Mode} from "../interfaces/ITypes.sol";
import {NetTreeLib} from "../libraries/NetTreeLib.sol";
import {Purse} from "../types/Purse.sol";
import {Terms, TermsLib} from "../types/Terms.sol";
import {Netting} from "./Netting.sol";

/// @title NetDeals
/// @notice Ends of netted deals: stopped when used up, closed by what the net root says or, late, without it.
abstract contract NetDeals is INets, Netting {
    /// @inheritdoc INets
    function stopNet(uint32 id, bytes calldata leaf, NetPath calldata path) external {
        uint256 now_ = _touch();
        Deal storage self = _deals[id];
        Terms terms = _netTerms(id);
        require(now_ < terms.end(), IDeals.DealWrongState(id, IDeals.DealState.Closing));
        Purse purse = self.purse;
        require(
            _unitsUnder(id, self.key, terms, leaf, path) * terms.price() >= purse.budget(),
            IDeals.DealUnauthorized(id, msg.sender)
        );
        self.terms = terms.stoppedAt(now_);
        if (purse.place() != 0) self.purse = _unpacked(purse);
        emit IDeals.DealStopped(id, uint32(now_));
    }

    /// @inheritdoc INets
    function closeNet(uint32 id, bytes calldata leaf, NetPath calldata path) external {
        (uint256 now_, Terms terms) = _requireOver(id, CLOSING_GRACE);
        Deal storage self = _deals[id];
        uint256 units = _unitsUnder(id, self.key, terms, leaf, path);
        Purse purse = self.purse;
        uint256 remaining = Math.saturatingSub(purse.budget(), units * terms.price());
        _close(id, terms, remaining, units == 0 ? purse.openingFee() : 0, now_);
    }

    /// @inheritdoc INets
    function closeUnproven(uint32 id) external {
        (uint256 now_, Terms terms) = _requireOver(id, _rules.retention);
        _close(id, terms, 0, 0, now_);
    }

    /// @notice Terms of a netted deal that is not closed.
    function _netTerms(uint32 id) internal view returns (Terms terms) {
        terms = _deals[id].terms;
        require(terms.state() == TermsLib.LIVE && terms.mode() == uint256(Mode.Net), INets.NetsNoSuchDeal(id));
    }

    /// @param fee What the provider keeps of what is left, if its stake covers it.
    function _close(uint32 id, Terms terms, uint256 remaining, uint256 fee, uint256 now_) private {
        Deal storage self = _deals[id];
        address buyer = self.buyer;
        Purse purse = _unpacked(self.purse);
        uint64 budget = uint64(purse.budget());
        uint256 returned = _closeNetted(buyer, budget, remaining);
        fee = Math.min(fee, returned);
        if (fee != 0 && !_tryCredit(terms.provider(), fee, now_ / DAY, _forcedDueUp(now_))) fee = 0;
        returned -= fee;
        self.terms = terms.withState(TermsLib.CLOSED);
        self.purse = purse.withClosedAt(now_);
        Account storage owner = _accounts[buyer];
        owner.locked -= budget;
        owner.free += uint64(returned);
        emit IDeals.DealClosed(id, uint64(returned), uint64(fee));

        if (self.disputes == 0) REGISTRY.release(uint32(terms.provider()), self.bond);
    }

    /// @dev The closing period and `more` seconds after it must be over.
    function _requireOver(uint32 id, uint256 more) private returns (uint256 now_, Terms terms) {
        now_ = _touch();
        terms = _netTerms(id);
        uint256 from = terms.end() + _head.closingPeriod + more;
        require(now_ >= from, IDeals.DealTooEarly(id, uint32(now_), uint32(from)));
    }

    function _unitsUnder(
        uint32 id,
        bytes32 key,
        Terms terms,
        bytes calldata leaf,
        NetPath calldata path
    ) private view returns (uint256) {
        require(NetTreeLib.climb(NetTreeLib.hashOf(leaf), id, path) == _netRoot, INets.NetsBadPath());
        return NetTreeLib.unitsOf(leaf, key, terms.streams());
    }
}
