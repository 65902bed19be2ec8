// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPacking} from "../interfaces/IPacking.sol";
import {CodePages} from "../libraries/CodePages.sol";
import {DealPages} from "../libraries/DealPages.sol";
import {Purse} from "../types/Purse.sol";
import {Terms, TermsLib} from "../types/Terms.sol";
import {Streams} from "./Streams.sol";

/// @title Packing
/// @notice See {IPacking}.
abstract contract Packing is IPacking, Streams {
    /// @inheritdoc IPacking
    function packDeals(uint32[] calldata ids) external returns (uint32 page) {
        uint256 now_ = _touch();
        require(ids.length != 0 && ids.length <= DealPages.ROWS, DealsPackSize(ids.length));
        page = ++_rules.lastPage;
        require(page <= DealPages.MAX_PAGE, DealsPackSize(page));
        _livePages[page] = type(uint256).max >> (DealPages.ROWS - ids.length);
        bytes memory rows = DealPages.empty(ids.length);
        for (uint256 row = 0; row < ids.length; ++row) {
            uint32 id = ids[row];
            Deal storage self = _deals[id];
            Terms terms = self.terms;
            require(terms.state() == TermsLib.LIVE && now_ < terms.end(), DealNotPackable(id));
            Purse purse = _moved(id, self.purse, ids.length).withPlace(page * DealPages.ROWS + row);
            self.purse = purse;
            DealPages.write(rows, row, self.key, terms, purse);
        }
        CodePages.create(rows);
        emit DealsPacked(page, ids);
    }

    /// @dev A deal moves only where it finds twice the company it leaves: nobody can scatter others' deals over
    /// pages. A deal named twice would find half of it.
    function _moved(uint32 id, Purse purse, uint256 rows) private returns (Purse) {
        if (purse.place() == 0) return purse;
        uint256 live = _countBits(_livePages[purse.place() / DealPages.ROWS]);
        require(rows >= 2 * live, DealAlreadyPacked(id));
        return _unpacked(purse);
    }

    function _countBits(uint256 word) private pure returns (uint256 count) {
        for (; word != 0; word &= word - 1) ++count;
    }
}
